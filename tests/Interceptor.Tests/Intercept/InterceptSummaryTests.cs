using System.Reflection;
using Interceptor.Capture.Intercept;

namespace Interceptor.Tests.Intercept;

public sealed class InterceptSummaryTests
{
    private static readonly string[] OfTheSession =
    [
        nameof(InterceptSummary.DelayErrorMedian), nameof(InterceptSummary.DelayErrorPercentile99), nameof(InterceptSummary.DelayErrorMaximum),
        nameof(InterceptSummary.Held), nameof(InterceptSummary.OverRate), nameof(InterceptSummary.Unmatched), nameof(InterceptSummary.Escaped),
    ];

    [Fact]
    public void Each_counter_of_two_queues_is_added_or_counted_by_the_session()
    {
        PropertyInfo[] counters = [.. typeof(InterceptSummary).GetProperties().Where(property => property.PropertyType == typeof(long))];
        var first = new InterceptSummary();
        var second = new InterceptSummary();
        for (int i = 0; i < counters.Length; i++)
        {
            counters[i].SetValue(first, 1000L + i);
            counters[i].SetValue(second, 7L * i);
        }

        InterceptSummary sum = first.Plus(second);
        for (int i = 0; i < counters.Length; i++)
        {
            long expected = OfTheSession.Contains(counters[i].Name) ? 0 : 1000 + (8 * i);
            Assert.True(expected == (long)counters[i].GetValue(sum)!, counters[i].Name);
        }

        Assert.All(OfTheSession, name => Assert.Contains(counters, counter => counter.Name == name));
    }
}
