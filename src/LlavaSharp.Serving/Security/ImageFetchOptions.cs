namespace LlavaSharp.Serving.Security;

/// <summary>Which pictures a server fetches from other hosts for its clients.</summary>
public sealed record ImageFetchOptions
{
    /// <summary>The hosts that may be asked, such as <c>images.example.org</c>, or <c>*.example.org</c> for all below it. None: pictures are not fetched at all.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>The ports that may be asked.</summary>
    public IReadOnlyList<int> AllowedPorts { get; init; } = [80, 443];

    /// <summary>The most bytes of a picture.</summary>
    public long MaxBytes { get; init; } = 20 << 20;

    /// <summary>How long all of it may take, redirects included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many redirects are followed; each is checked like the address itself.</summary>
    public int MaxRedirects { get; init; } = 3;
}
