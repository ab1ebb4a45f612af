using Interceptor.Packets;

namespace Interceptor.Filters;

/// <summary>An expression compiled for each of several link types and for raw IP, to show the programs and where they can run. Immutable; any thread.</summary>
public sealed class FilterExplanation
{
    private FilterExplanation(string expression, IReadOnlyList<FilterListing> listings, FilterListing rawIp)
    {
        Expression = expression;
        Listings = listings;
        RawIp = rawIp;
    }

    /// <summary>The expression as given.</summary>
    public string Expression { get; }

    /// <summary>One for each link type asked for, in that order.</summary>
    public IReadOnlyList<FilterListing> Listings { get; }

    /// <summary>The one for raw IP, which is what the firewall sees.</summary>
    public FilterListing RawIp { get; }

    /// <summary>Compiles.</summary>
    /// <param name="expression">In the language of <c>man pcap-filter</c>.</param>
    /// <param name="linkTypes">One or more, each once.</param>
    /// <exception cref="FilterSyntaxException">It compiles for none of them.</exception>
    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    public static FilterExplanation Of(string expression, params IReadOnlyList<LinkType> linkTypes)
    {
        ArgumentNullException.ThrowIfNull(expression);
        ArgumentNullException.ThrowIfNull(linkTypes);
        FilterSyntaxException? first = null;
        FilterListing[] listings = [.. linkTypes.Select(linkType => List(expression, linkType, ref first))];
        if (first is not null && listings.All(static listing => listing.Program is null))
        {
            throw first;
        }

        FilterListing rawIp = Array.Find(listings, static listing => listing.LinkType == LinkType.Raw) ?? List(expression, LinkType.Raw, ref first);
        return new(expression, listings, rawIp);
    }

    private static FilterListing List(string expression, LinkType linkType, ref FilterSyntaxException? first)
    {
        try
        {
            return new(linkType, PacketFilter.Compile(expression, linkType, PacketFilter.DefaultSnapLength, mayRejectAll: true).Program, null);
        }
        catch (FilterSyntaxException exception)
        {
            first ??= exception;
            return new(linkType, null, exception.Reason);
        }
    }
}
