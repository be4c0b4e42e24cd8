namespace LlavaSharp.Checkpoints;

/// <summary>Where models that are not a folder on this machine come from, and where they are kept.</summary>
public sealed record HubOptions
{
    /// <summary>The hub's address: <c>HF_ENDPOINT</c>, by default the public Hugging Face hub.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>The local cache: <c>HF_HUB_CACHE</c>, else <c>HF_HOME/hub</c>, else <c>~/.cache/huggingface/hub</c>.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>Never ask the hub: <c>HF_HUB_OFFLINE</c>.</summary>
    public bool Offline { get; init; }

    /// <summary>The branch, tag or commit (default <c>main</c>).</summary>
    public string Revision { get; init; } = "main";

    /// <summary>Sent to the hub as a bearer token: <c>HF_TOKEN</c>, or null.</summary>
    public string? Token { get; init; }

    /// <summary>Told of each file: its name, the bytes there are, the bytes in all (or null).</summary>
    public Action<string, long, long?>? Progress { get; init; }

    /// <summary>Sends the requests; null: a new client for each download.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>The options that the environment asks for.</summary>
    /// <exception cref="CheckpointException"><c>HF_ENDPOINT</c> is no web address.</exception>
    public static HubOptions FromEnvironment() => FromEnvironment(Environment.GetEnvironmentVariable);

    internal static HubOptions FromEnvironment(Func<string, string?> variable)
    {
        var home = Value("HF_HOME") ?? Path.Combine(
            Value("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "huggingface");
        var options = new HubOptions
        {
            CacheFolder = Value("HF_HUB_CACHE") ?? Value("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub"),
            Offline = Value("HF_HUB_OFFLINE")?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE",
            Token = Value("HF_TOKEN"),
        };
        if (Value("HF_ENDPOINT") is not { } endpoint)
            return options;
        return Uri.TryCreate(endpoint.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme is ("http" or "https")
            ? options with { Endpoint = uri }
            : throw new CheckpointException($"HF_ENDPOINT is '{endpoint}', which is no web address such as https://huggingface.co.");

        string? Value(string name) => variable(name) is { Length: > 0 } value ? value : null;
    }
}
