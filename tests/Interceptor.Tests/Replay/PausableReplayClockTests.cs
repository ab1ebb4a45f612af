using Interceptor.Replay;

namespace Interceptor.Tests.Replay;

/// <summary>Pauses and stops on a machine whose clock the test moves.</summary>
public sealed class PausableReplayClockTests
{
    private const long Millisecond = 1_000_000;

    private readonly Machine _machine = new();

    [Fact]
    public void A_pause_moves_what_is_due_by_its_length()
    {
        var clock = new PausableReplayClock(_machine);
        long deadline = clock.Now + (100 * Millisecond);
        _machine.At(30 * Millisecond, () => Assert.True(clock.Toggle()));
        _machine.At(30 * Millisecond, () => Resume(clock, 500 * Millisecond));
        clock.WaitUntil(deadline, TestContext.Current.CancellationToken);
        Assert.Equal(deadline, clock.Now);
        Assert.Equal(500 * Millisecond, clock.PausedNanoseconds);
        Assert.Equal(600 * Millisecond, _machine.Now);
    }

    [Fact]
    public void A_paused_clock_lets_nothing_pass_even_if_it_is_due()
    {
        var clock = new PausableReplayClock(_machine);
        clock.Toggle();
        Assert.True(clock.IsHeld);
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        Assert.Throws<OperationCanceledException>(() => clock.WaitUntil(clock.Now - 1, cancellation.Token));
    }

    [Fact]
    public void A_stop_that_nobody_announced_is_taken_out_when_the_process_goes_on()
    {
        var clock = new PausableReplayClock(_machine);
        long deadline = clock.Now + (100 * Millisecond);
        _machine.At(40 * Millisecond, () =>
        {
            _machine.Now += 1000 * Millisecond;
            clock.Continued();
        });
        clock.WaitUntil(deadline, TestContext.Current.CancellationToken);
        Assert.InRange(clock.PausedNanoseconds, 950 * Millisecond, 1000 * Millisecond);
        Assert.Equal(deadline, clock.Now);
    }

    [Fact]
    public void Word_of_the_stop_may_come_late()
    {
        var clock = new PausableReplayClock(_machine);
        long deadline = clock.Now + (10 * Millisecond);
        _machine.At(5 * Millisecond, () => _machine.Now += 1000 * Millisecond);
        clock.WaitUntil(deadline, TestContext.Current.CancellationToken);
        Assert.Equal(0, clock.PausedNanoseconds);
        clock.Continued();
        _ = clock.Now;
        Assert.InRange(clock.PausedNanoseconds, 950 * Millisecond, 1000 * Millisecond);
    }

    [Fact]
    public void A_slow_machine_is_no_stop()
    {
        var clock = new PausableReplayClock(_machine);
        long deadline = clock.Now + (10 * Millisecond);
        _machine.At(5 * Millisecond, () => _machine.Now += 1000 * Millisecond);
        clock.WaitUntil(deadline, TestContext.Current.CancellationToken);
        Assert.Equal(0, clock.PausedNanoseconds);
        Assert.True(clock.Now > deadline + (900 * Millisecond));
    }

    [Fact]
    public void An_announced_stop_is_exact()
    {
        var clock = new PausableReplayClock(_machine);
        long deadline = clock.Now + (100 * Millisecond);
        _machine.At(35 * Millisecond, clock.Stopping);
        _machine.At(35 * Millisecond, () =>
        {
            _machine.Now += 700 * Millisecond;
            clock.Continued();
        });
        clock.WaitUntil(deadline, TestContext.Current.CancellationToken);
        Assert.Equal((700 * Millisecond, deadline), (clock.PausedNanoseconds, clock.Now));
    }

    [Fact]
    public void Waiting_for_a_pipe_is_no_stop_even_if_the_process_was_stopped_meanwhile()
    {
        var clock = new PausableReplayClock(_machine);
        _machine.Now += 5000 * Millisecond;
        clock.NoteWait();
        clock.Continued();
        _ = clock.Now;
        Assert.Equal(0, clock.PausedNanoseconds);
    }

    private void Resume(PausableReplayClock clock, long after)
    {
        _machine.Now += after;
        Assert.False(clock.Toggle());
    }

    /// <summary>A clock that runs what is planned while somebody waits.</summary>
    private sealed class Machine : IReplayClock
    {
        private readonly List<(long Time, Action Action)> _plan = [];

        public long Now { get; set; }

        public void WaitUntil(long deadline, CancellationToken cancellation)
        {
            while (_plan.Count > 0 && _plan[0].Time <= deadline)
            {
                (long time, Action action) = _plan[0];
                _plan.RemoveAt(0);
                Now = Math.Max(Now, time);
                action();
            }

            Now = Math.Max(Now, deadline);
        }

        internal void At(long time, Action action) => _plan.Add((time, action));
    }
}
