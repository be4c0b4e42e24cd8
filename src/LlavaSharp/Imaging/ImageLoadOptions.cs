namespace LlavaSharp.Imaging;

/// <summary>Limits and means of loading a picture; the limits are checked before anything is decoded.</summary>
public sealed record ImageLoadOptions
{
    /// <summary>The options used when none are given.</summary>
    public static ImageLoadOptions Default { get; } = new();

    /// <summary>The largest number of pixels (width times height) a picture may claim; 64 million by default.</summary>
    public long MaximumPixels { get; init; } = 64_000_000;

    /// <summary>The largest file, download or data URI in bytes; 256 MB by default.</summary>
    public long MaximumBytes { get; init; } = 256L << 20;

    /// <summary>How long a download may take, from the request to the last byte; 30 seconds by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The client that downloads; null for one shared by the process.</summary>
    public HttpClient? Http { get; init; }

    /// <summary>Whether a source may be a file's path; a server that is given sources by strangers says no.</summary>
    public bool AllowFiles { get; init; } = true;

    /// <summary>Whether a source may be an http or https URL.</summary>
    public bool AllowUrls { get; init; } = true;
}
