using System.Text;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Intercept;

public sealed class FirewallTextTests
{
    private static readonly FirewallOwner Owner = new(4242, 777, null);
    private static readonly FirewallNames Names = new(4242, "x7k2q");

    [Fact]
    public void The_texts_for_iptables_restore_are_these()
    {
        var text = new StringBuilder();
        foreach (int version in (ReadOnlySpan<int>)[4, 6])
        {
            text.Append($"# IPv{version}\n").Append(FirewallScript.Install(Rules(), version, Names, Owner));
        }

        text.Append("# lock\n").Append(FirewallScript.Install(
            [new FirewallRule(FirewallHook.Output, FirewallMatch.All, FirewallTarget.Drop)], 4, Names, FirewallOwner.Lock("abc-1")));
        List<FirewallChain> chains = FirewallChain.Parse(Saved, FirewallBackend.Nft, 4);
        text.Append("# detach\n").Append(FirewallChain.DetachScript("mangle", chains));
        text.Append("# remove\n").Append(FirewallChain.RemovalScript("mangle", chains));
        GoldenFile.Verify("intercept/firewall.txt", text.ToString());
    }

    [Fact]
    public void The_texts_for_nft_are_these()
    {
        string table = Names.Table(Owner);
        var text = new StringBuilder("# install\n").Append(NftScript.Install(Rules(), table, Owner));
        var lockOwner = FirewallOwner.Lock("abc-1");
        text.Append("# lock\n").Append(NftScript.Install([new FirewallRule(FirewallHook.Output, FirewallMatch.All, FirewallTarget.Drop)], Names.Table(lockOwner), lockOwner));
        List<FirewallChain> chains = NftScript.Parse(Listed, table);
        text.Append("# detach\n").Append(NftScript.Detach(chains));
        text.Append("# remove\n").Append(NftScript.Remove(chains));
        text.Append("# remove while another queue is open\n").Append(NftScript.Empty(chains));
        GoldenFile.Verify("intercept/nft.txt", text.ToString());
    }

    [Fact]
    public void Many_flows_are_a_set_for_nft_and_a_rule_each_for_iptables()
    {
        FlowKey[] flows = [.. Enumerable.Range(1, 3).Select(static i => new FlowKey(
            new FlowEndpoint(IpAddress.FromIpv4(0xC0000201), 80), new FlowEndpoint(IpAddress.FromIpv4(0xC0000202), (ushort)i), 6))];
        FirewallRule[] rules = [new FirewallRule(FirewallHook.Prerouting, new FirewallMatch { Flows = flows, ExceptMark = 1 }, FirewallTarget.Drop)];
        Assert.Contains(
            "take-prerouting ip saddr . tcp sport . ip daddr . tcp dport { 192.0.2.1 . 80 . 192.0.2.2 . 1, 192.0.2.1 . 80 . 192.0.2.2 . 2, 192.0.2.1 . 80 . 192.0.2.2 . 3 } meta mark != 0x00000001 counter drop",
            NftScript.Install(rules, "table", Owner), StringComparison.Ordinal);
        string script = FirewallScript.Install(rules, 4, Names, Owner);
        Assert.All(Enumerable.Range(1, 3), i => Assert.Contains(
            $" -s 192.0.2.1/32 -d 192.0.2.2/32 -p 6 -m tcp --sport 80 --dport {i} -m mark ! --mark 0x1 -m comment --comment \"{Owner}\" -j DROP\n", script, StringComparison.Ordinal));
        Assert.Equal("", FirewallScript.Install(rules, 6, Names, Owner));
    }

    [Fact]
    public void Tables_of_nft_are_found_with_owner_and_counters()
    {
        const string Tables = "table ip mangle\ntable inet interceptor-4242-777-x7k2q\ntable ip interceptor-1-2-abcde\ntable inet interceptors\n";
        Assert.Equal(["interceptor-4242-777-x7k2q"], NftScript.Tables(Tables));
        List<FirewallChain> chains = NftScript.Parse(Listed, "interceptor-4242-777-x7k2q");
        Assert.Equal(["interceptor-4242-777-x7k2q/input", "interceptor-4242-777-x7k2q/output"], chains.Select(chain => chain.Name));
        Assert.All(chains, chain => Assert.Equal((Owner, true), (chain.Owner, Names.Has(chain.Name))));
        Assert.Equal([12L, 3L], chains[0].Rules.Select(rule => rule.Packets));
        Assert.Single(chains[0].Jumps);

        // Detached: the counter stays.
        Assert.Equal((7L, 0), (Assert.Single(chains[1].Rules).Packets, chains[1].Jumps.Count));
        Assert.False(new FirewallNames(4242, "other").Has(chains[0].Name));
    }

    [Theory]
    [InlineData("interceptor-4242-777-x7k2q", 4242, 777UL, null)]
    [InlineData("interceptor-lock-abc-1-x7k2q", 0, 0UL, "abc-1")]
    [InlineData("interceptor-someone", 0, 0UL, null)]
    public void An_empty_table_tells_its_owner_by_its_name(string table, int pid, ulong start, string? lockId)
    {
        string listed = $"table inet {table} {{\n\tchain input {{\n\t\ttype filter hook input priority mangle; policy accept;\n\t}}\n}}\n";
        FirewallChain chain = Assert.Single(NftScript.Parse(listed, table));
        Assert.Equal(new FirewallOwner(pid, start, lockId), chain.Owner);
        Assert.Empty(chain.Rules);
        Assert.Empty(chain.Jumps);
    }

    [Fact]
    public void Any_text_of_nft_is_survived() => PropertyCheck.ForAllBytes(
        bytes =>
        {
            string[] words = ["chain ", "input", "take-input", " {", "\n", "}", "jump take-", "counter packets ", "9", " comment ", "\"", "interceptor:1:2", "table inet ", "-", " "];
            string text = string.Concat(bytes.Select(value => words[value % words.Length]));
            _ = NftScript.Tables(text).ToList();
            foreach (FirewallChain chain in NftScript.Parse(text, "interceptor-1-2-abcde"))
            {
                Assert.StartsWith("interceptor-1-2-abcde/", chain.Name, StringComparison.Ordinal);
            }
        });

    [Fact]
    public void Chains_are_found_with_owner_counters_and_jumps()
    {
        List<FirewallChain> chains = FirewallChain.Parse(Saved, FirewallBackend.Nft, 4);
        Assert.Equal(["INTERCEPTOR-4242-x7k2qI", "INTERCEPTOR-99-aaaaaO", "INTERCEPTOR-7-bbbbbI"], chains.Select(chain => chain.Name));
        Assert.Equal(Owner, chains[0].Owner);
        Assert.Equal([12L, 3L], chains[0].Rules.Select(rule => rule.Packets));
        Assert.Equal(2, chains[0].Jumps.Count);
        Assert.Equal("keep_me-1", chains[1].Owner.LockId);

        // Nothing but its name tells whose the last one was.
        Assert.Equal(new FirewallOwner(7, 0, null), chains[2].Owner);
        Assert.All(chains, chain => Assert.Equal("mangle", chain.Table));
    }

    [Fact]
    public void Any_text_of_iptables_save_is_survived() => PropertyCheck.ForAllBytes(
        bytes =>
        {
            char[] alphabet = [.. "*:-[] \n\"AINTERCEPTOR-42jg#0123mangle"];
            string text = "*mangle\n:INTERCEPTOR-" + new string([.. bytes.Select(value => alphabet[value % alphabet.Length])]);
            foreach (FirewallChain chain in FirewallChain.Parse(text, FirewallBackend.Nft, 4))
            {
                Assert.StartsWith(FirewallScript.ChainPrefix, chain.Name, StringComparison.Ordinal);
            }
        });

    [Fact]
    public void A_chain_name_fits_for_the_largest_process_number()
    {
        foreach (FirewallHook hook in Enum.GetValues<FirewallHook>())
        {
            Assert.InRange(new FirewallNames(4194304, "x7k2q").Chain(hook).Length, 1, FirewallScript.MaxChainNameLength);
        }

        Assert.Equal(5, Enum.GetValues<FirewallHook>().Select(hook => new FirewallNames(1, "x").Chain(hook)).Distinct().Count());
    }

    [Theory]
    [InlineData("4,48 0 0 0\" -j ACCEPT")]
    [InlineData("1,6 0 0 1\nCOMMIT")]
    public void A_program_that_is_none_never_reaches_iptables(string bytecode) => Assert.Throws<ArgumentException>(() => FirewallScript.Install(
        [new FirewallRule(FirewallHook.Input, new FirewallMatch { Bytecode = bytecode }, FirewallTarget.Drop)], 4, new FirewallNames(1, "x"), Owner));

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("x\" -j ACCEPT")]
    public void A_lock_id_is_letters_digits_and_dashes(string id) => Assert.Throws<ArgumentException>(() => FirewallOwner.Lock(id));

    [Theory]
    [InlineData("interceptor:12:34", 12, 34UL, null)]
    [InlineData("interceptor:lock:a-1", 0, 0UL, "a-1")]
    public void An_owner_is_read_back(string comment, int pid, ulong start, string? lockId)
    {
        Assert.True(FirewallOwner.TryParse(comment, out FirewallOwner owner));
        Assert.Equal(new FirewallOwner(pid, start, lockId), owner);
        Assert.Equal(comment, owner.ToString());
    }

    [Theory]
    [InlineData("interceptor:")]
    [InlineData("interceptor:12")]
    [InlineData("interceptor:-1:3")]
    [InlineData("interceptor:lock:")]
    [InlineData("someone else")]
    public void A_foreign_comment_is_nobody(string comment) => Assert.False(FirewallOwner.TryParse(comment, out _));

    [Fact]
    public void This_process_is_alive_and_its_number_with_another_start_is_not()
    {
        Assert.True(FirewallOwner.Current.IsAlive);
        Assert.False((FirewallOwner.Current with { StartTime = FirewallOwner.Current.StartTime + 1 }).IsAlive);
    }

    private const string Saved = """
        # Generated by iptables-save
        *mangle
        :PREROUTING ACCEPT [5:300]
        :INPUT ACCEPT [0:0]
        :INTERCEPTOR-4242-x7k2qI - [0:0]
        :INTERCEPTOR-99-aaaaaO - [0:0]
        :INTERCEPTOR-7-bbbbbI - [0:0]
        [15:900] -A INPUT -m comment --comment "interceptor:4242:777" -j INTERCEPTOR-4242-x7k2qI
        [0:0] -A FOREIGN -s 192.0.2.1/32 -j INTERCEPTOR-4242-x7k2qI
        [0:0] -A OUTPUT -m comment --comment "interceptor:lock:keep_me-1" -j INTERCEPTOR-99-aaaaaO
        [12:700] -A INTERCEPTOR-4242-x7k2qI -p tcp -m comment --comment "interceptor:4242:777" -j NFQUEUE --queue-num 5
        [3:200] -A INTERCEPTOR-4242-x7k2qI -m comment --comment "interceptor:4242:777" -j DROP
        COMMIT
        *filter
        :INPUT ACCEPT [0:0]
        [1:2] -A INPUT -j ACCEPT
        COMMIT
        """;

    private const string Listed = """
        table inet interceptor-4242-777-x7k2q {
        	chain input {
        		type filter hook input priority mangle; policy accept;
        		jump take-input comment "interceptor:4242:777"
        	}

        	chain take-input {
        		meta mark != 0x49435054 counter packets 12 bytes 700 queue flags bypass to 5 comment "interceptor:4242:777"
        		counter packets 3 bytes 200 drop comment "interceptor:4242:777"
        	}

        	chain output {
        		type filter hook output priority mangle; policy accept;
        	}

        	chain take-output {
        		ip saddr 192.0.2.1 counter packets 7 bytes 400 drop comment "interceptor:4242:777"
        	}
        }
        """;

    private static List<FirewallRule> Rules()
    {
        var flow4 = new FlowKey(Endpoint("192.0.2.1:49152"), Endpoint("192.0.2.2:80"), 6);
        var flow6 = new FlowKey(Endpoint("[2001:db8::1]:53"), Endpoint("[2001:db8::2]:0"), 17);
        return
        [
            new FirewallRule(FirewallHook.Prerouting, new FirewallMatch { Flow = flow4 }, FirewallTarget.ToQueue(5, bypass: false)),
            new FirewallRule(FirewallHook.Output, new FirewallMatch { Flow = flow6 }, FirewallTarget.ToQueue(6, bypass: true, count: 4)),
            new FirewallRule(
                FirewallHook.Output,
                new FirewallMatch { Bytecode = "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0", ExceptMark = FirewallMatch.OwnMark },
                FirewallTarget.ToQueue(7, bypass: true)),
            new FirewallRule(FirewallHook.Output, new FirewallMatch { ExceptMark = 7 }, FirewallTarget.ToQueue(8, bypass: false, count: 2, fanOut: true)),
            new FirewallRule(FirewallHook.Postrouting, FirewallMatch.All, FirewallTarget.Drop),
        ];
    }

    private static FlowEndpoint Endpoint(string text)
    {
        Assert.True(FlowEndpoint.TryParse(text, out FlowEndpoint endpoint));
        return endpoint;
    }
}
