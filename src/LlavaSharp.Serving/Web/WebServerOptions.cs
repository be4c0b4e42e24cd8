namespace LlavaSharp.Serving.Web;

/// <summary>How the web server runs. Names and defaults are those of the original's <c>llava.serve.gradio_web_server</c>, but it listens at this machine only.</summary>
public sealed record WebServerOptions
{
    /// <summary>The name or number that it listens at.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>The port; null: 7860 or the next that is free; 0 takes any free one.</summary>
    public int? Port { get; init; }

    /// <summary>Where the controller listens.</summary>
    public string ControllerUrl { get; init; } = "http://localhost:21001";

    /// <summary>The most answers that are generated at the same time; further ones wait.</summary>
    public int ConcurrencyCount { get; init; } = 16;

    /// <summary>When the list of models is fetched.</summary>
    public WebModelListMode ModelListMode { get; init; }

    /// <summary>Whether texts are shown to a moderation service first; needs <see cref="ModerationKey"/>.</summary>
    public bool Moderate { get; init; }

    /// <summary>Whether the page is to be shown inside another one, and so without its heading and terms.</summary>
    public bool Embed { get; init; }

    /// <summary>The folder of the conversation log and of the pictures (the original's <c>LOGDIR</c>); null: nothing is recorded.</summary>
    public string? LogFolder { get; init; } = ".";

    /// <summary>The key of the moderation service; by default the environment's <c>OPENAI_API_KEY</c>.</summary>
    public string? ModerationKey { get; init; } = Environment.GetEnvironmentVariable("OPENAI_API_KEY");

    /// <summary>The moderation service.</summary>
    public Uri ModerationUrl { get; init; } = new("https://api.openai.com/v1/moderations");

    /// <summary>So long the moderation service may take.</summary>
    public TimeSpan ModerationPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>So long a worker may be silent.</summary>
    public TimeSpan WorkerPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>So long the controller may take to answer; refreshing its list makes it ask all workers, so it may take three times as long.</summary>
    public TimeSpan ControllerPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The shortest time between two states of an answer: those that come faster are passed over, so that showing never slows generating (the original pauses 30 ms
    /// after every frame). Zero gives every state.
    /// </summary>
    public TimeSpan StateInterval { get; init; } = TimeSpan.FromMilliseconds(30);

    /// <summary>Which faults of the original are reproduced.</summary>
    public WebQuirks Quirks { get; init; } = WebQuirks.Mended;

    /// <summary>What time it is.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The date that names the log files; null: the clock's local one.</summary>
    internal Func<DateOnly>? Today { get; init; }
}
