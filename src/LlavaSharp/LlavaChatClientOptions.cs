using LlavaSharp.Generation;
using LlavaSharp.Imaging;

namespace LlavaSharp;

/// <summary>How a model answers as an <c>IChatClient</c>.</summary>
public sealed record LlavaChatClientOptions
{
    /// <summary>The conversation template; null: the model's.</summary>
    public string? Template { get; init; }

    /// <summary>How to generate where a request does not say.</summary>
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>
    /// Where pictures given as addresses may come from, and limits for all pictures. By default no address is followed: whoever writes the messages
    /// would read this machine's files and reach its network.
    /// </summary>
    public ImageLoadOptions Pictures { get; init; } = new() { AllowFiles = false, AllowUrls = false };

    /// <summary>Tells the time of answers.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
