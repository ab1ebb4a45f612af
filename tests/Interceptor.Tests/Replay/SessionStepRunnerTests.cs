using Interceptor.Replay;

namespace Interceptor.Tests.Replay;

public sealed class SessionStepRunnerTests
{
    private readonly List<string> _log = [];

    [Fact]
    public void Steps_that_apply_run_in_order_and_are_timed()
    {
        var runner = new SessionStepRunner<List<string>>([Step("a"), Step("b", applies: false), Step("c", isFrozen: true), Step("d")], _log);
        Assert.Null(runner.Run());
        Assert.Equal(["a", "c", "d"], _log);
        Assert.Equal(["a", "c", "d"], runner.Times.Select(time => time.Step.Name));
        Assert.True(runner.Freeze >= runner.Times[1].Elapsed);
    }

    [Fact]
    public void A_step_that_fails_is_undone_with_all_before_it_last_first()
    {
        var runner = new SessionStepRunner<List<string>>([Step("a"), Step("b"), Step("skipped", applies: false), Step("c", fails: true), Step("d")], _log);
        SessionStepFailure failure = runner.Run()!;
        Assert.Equal("c", failure.Step.Name);
        Assert.Equal("c failed", failure.Cause.Message);
        Assert.Empty(failure.Problems);
        Assert.Equal(["a", "b", "c", "undo c", "undo b", "undo a"], _log);
    }

    [Fact]
    public void An_undo_that_fails_is_told_and_keeps_none_of_the_others_from_its_turn()
    {
        var runner = new SessionStepRunner<List<string>>([Step("a"), Step("b", undoFails: true), Step("c", fails: true)], _log);
        SessionStepFailure failure = runner.Run()!;
        Assert.Equal(["Undoing 'b' failed too: undo of b failed"], failure.Problems);
        Assert.Equal("undo a", _log[^1]);
    }

    [Fact]
    public void Every_step_of_a_checkpoint_and_of_a_move_says_what_it_does_and_what_it_leaves()
    {
        foreach (SessionStep step in SessionCheckpoint.Steps.Concat(SessionMove.Steps))
        {
            Assert.NotEmpty(step.Does);
            Assert.EndsWith(".", step.Leaves, StringComparison.Ordinal);
        }
    }

    private static SessionStep<List<string>> Step(string name, bool isFrozen = false, bool applies = true, bool fails = false, bool undoFails = false) => new(
        name, isFrozen, name,
        log =>
        {
            log.Add(name);
            if (fails)
            {
                throw new InvalidOperationException($"{name} failed");
            }
        },
        "undone",
        log =>
        {
            log.Add($"undo {name}");
            if (undoFails)
            {
                throw new InvalidOperationException($"undo of {name} failed");
            }
        },
        "Nothing.", _ => applies);
}
