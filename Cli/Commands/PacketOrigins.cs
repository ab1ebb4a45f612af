using Interceptor.Capture.Intercept;
using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary>
/// Reads <see cref="PacketOrigin"/>s, with the names of the interfaces in the calling thread's network namespace. A name is looked up once: an index is not used again for another
/// interface.
/// </summary>
internal sealed class PacketOrigins
{
    private readonly Dictionary<int, string> _names = [];

    internal PacketOrigin Read(in InterceptedFate fate) => new(
        NameOf(fate.InInterface), NameOf(fate.OutInterface), fate.HardwareAddress, fate.VlanTag, fate.UserId, fate.GroupId, fate.Mark, fate.Priority, fate.ConntrackMark);

    private string? NameOf(int index)
    {
        if (index == 0)
        {
            return null;
        }

        if (!_names.TryGetValue(index, out string? name))
        {
            foreach ((int known, string text) in LinuxInterfaces.Indices())
            {
                _names[known] = text;
            }

            // Gone by now: its number is all that is left.
            name = _names.TryGetValue(index, out name) ? name : _names[index] = $"if{index}";
        }

        return name;
    }
}
