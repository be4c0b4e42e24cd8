namespace LlavaSharp.Serving.Upstream;

/// <summary>Which server with OpenAI's interface answers for a worker, and how it is asked.</summary>
public sealed record UpstreamOptions
{
    /// <summary>Where it listens, such as <c>http://127.0.0.1:8000</c>; a <c>/v1</c> behind it is left out.</summary>
    public required string Address { get; init; }

    /// <summary>The model to ask for; null: the first that it lists.</summary>
    public string? Model { get; init; }

    /// <summary>The key that it wants; null: none.</summary>
    public string? Key { get; init; }

    /// <summary>The template by which prompts with pictures are read back into messages; null: the one that web clients take for the model's name in the protocol.</summary>
    public string? Template { get; init; }

    /// <summary>So long it may be silent while it answers, from the request to the first piece and from each piece to the next.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>So long it may take to say which models it has.</summary>
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What measures it.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Reads a key: the first line of a file.</summary>
    /// <exception cref="ServingException">The file cannot be read, or its first line is no key.</exception>
    public static string ReadKey(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            return File.ReadLines(path).FirstOrDefault()?.Trim() is { Length: > 0 } key && key.All(letter => letter is > ' ' and <= '~')
                ? key : throw new ServingException($"The first line of '{path}' is no key: it must be visible ASCII characters without blanks (--upstream-key-file).");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ServingException($"The upstream's key cannot be read from '{path}': {exception.Message} (--upstream-key-file)", exception);
        }
    }
}
