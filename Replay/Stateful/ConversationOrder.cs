using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// When each connection is opened: one that the capture's client host opened after others of its own had ended waits for the ends of all of these, and for the time that had passed since
/// the last of them; the others count from the start. So what was one after the other stays so, and never are there more at once than in the capture. Pure: no clock.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class ConversationOrder
{
    private readonly IReadOnlyList<ConversationScript> _scripts;
    private readonly ConversationPace _pace;
    private readonly Dictionary<IpAddress, Host> _hosts = [];

    internal ConversationOrder(IReadOnlyList<ConversationScript> scripts, ConversationPace pace)
    {
        _scripts = scripts;
        _pace = pace;
        foreach (IGrouping<IpAddress, int> group in Enumerable.Range(0, scripts.Count).GroupBy(index => scripts[index].Client.Address))
        {
            _hosts.Add(group.Key, new Host(scripts, [.. group]));
        }
    }

    /// <summary>The replay begins: the connections that wait for no other, by their places in the list, with their due times.</summary>
    internal IEnumerable<(int Index, long Due)> Start(long now)
    {
        if (_scripts.Count == 0)
        {
            yield break;
        }

        long first = _scripts.Min(static script => script.OpenedAt);
        foreach (Host host in _hosts.Values)
        {
            host.Begin = now;
            foreach ((int index, _) in host.TakeFree())
            {
                yield return (index, now + _pace.Scale(_scripts[index].OpenedAt - first));
            }
        }
    }

    /// <summary>A connection has ended for its client: those that waited for it last.</summary>
    internal IEnumerable<(int Index, long Due)> End(int ended, long now)
    {
        Host host = _hosts[_scripts[ended].Client.Address];
        host.End(ended, now);
        foreach ((int index, long lastEndAt) in host.TakeFree())
        {
            yield return (index, host.Begin + _pace.Scale(_scripts[index].OpenedAt - lastEndAt));
        }
    }

    private sealed class Host
    {
        private readonly IReadOnlyList<ConversationScript> _scripts;
        private readonly int[] _byOpening;
        private readonly int[] _byEnd;
        private readonly Dictionary<int, int> _placeByEnd = [];
        private readonly bool[] _hasEnded;
        private int _opened;
        private int _ended;

        internal Host(IReadOnlyList<ConversationScript> scripts, int[] members)
        {
            _scripts = scripts;
            _byOpening = [.. members.OrderBy(index => scripts[index].OpenedAt).ThenBy(static index => index)];
            _byEnd = [.. members.OrderBy(index => scripts[index].EndedAt).ThenBy(static index => index)];
            _hasEnded = new bool[members.Length];
            for (int place = 0; place < _byEnd.Length; place++)
            {
                _placeByEnd[_byEnd[place]] = place;
            }
        }

        /// <summary>When the last of those had ended that everything now waits for.</summary>
        internal long Begin { get; set; }

        internal void End(int index, long now)
        {
            _hasEnded[_placeByEnd[index]] = true;
            int before = _ended;
            while (_ended < _hasEnded.Length && _hasEnded[_ended])
            {
                _ended++;
            }

            Begin = _ended > before ? now : Begin;
        }

        // In order of opening, what one waits for only grows.
        internal IEnumerable<(int Index, long LastEndAt)> TakeFree()
        {
            while (_opened < _byOpening.Length)
            {
                int index = _byOpening[_opened];
                int needed = Needed(_scripts[index].OpenedAt);
                if (needed > _ended)
                {
                    yield break;
                }

                _opened++;
                yield return (index, needed == 0 ? _scripts[index].OpenedAt : _scripts[_byEnd[needed - 1]].EndedAt);
            }
        }

        // How many had ended before this instant.
        private int Needed(long openedAt)
        {
            int low = 0;
            int high = _byEnd.Length;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (_scripts[_byEnd[middle]].EndedAt < openedAt)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }

            return low;
        }
    }
}
