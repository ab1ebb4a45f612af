namespace Interceptor.Capture.Intercept;

/// <summary>A packet in a <see cref="HoldQueue"/>: what is known of it, and who decides about it.</summary>
/// <param name="item">As it came.</param>
/// <param name="range">What it occupies of its connection's numbers.</param>
/// <param name="duty">Decides about it.</param>
/// <param name="exit">On whose thread.</param>
internal sealed class HeldEntry(HeldItem item, HeldRange range, IHeldDuty duty, HoldExit exit)
{
    internal HeldItem Item { get; set; } = item;

    /// <summary>The bytes as the sender has them: an edit does not hide a copy.</summary>
    internal ReadOnlyMemory<byte> Original { get; set; } = item.Data;

    internal HeldRange Range { get; set; } = range;

    internal IHeldDuty Duty { get; set; } = duty;

    internal HoldExit Exit { get; set; } = exit;

    /// <summary>Where it stands in order of arrival.</summary>
    internal LinkedListNode<HeldEntry> Node { get; set; } = null!;
}
