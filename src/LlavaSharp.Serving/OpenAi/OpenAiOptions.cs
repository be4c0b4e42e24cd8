using LlavaSharp.Imaging;
using LlavaSharp.Serving.Security;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>The limits of the OpenAI-compatible interface.</summary>
public sealed record OpenAiOptions
{
    /// <summary>The most answers of one request (<c>n</c>).</summary>
    public int MaxChoices { get; init; } = 8;

    /// <summary>The most pictures of one request.</summary>
    public int MaxPictures { get; init; } = 16;

    /// <summary>The most tokens of an answer; null: as many as the model's context has room for.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Limits for each picture.</summary>
    public ImageLoadOptions Pictures { get; init; } = new() { AllowFiles = false, AllowUrls = false, MaximumBytes = 20 << 20 };

    /// <summary>Gets pictures from other hosts; null: only <c>data:</c> URIs are taken.</summary>
    public IImageFetcher? Fetcher { get; init; }

    /// <summary>What time it is.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
