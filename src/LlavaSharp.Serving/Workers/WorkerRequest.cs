using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Workers;

/// <summary>A request for generation as the original's workers read it, with Python's conversions of numbers.</summary>
/// <param name="Prompt">The prompt, with its markers.</param>
/// <param name="Pictures">The pictures as base64; none where they are left out.</param>
/// <param name="Temperature">Above 0.001: sampling.</param>
/// <param name="TopP">Sample only from the most probable tokens that together reach this probability.</param>
/// <param name="MaxNewTokens">The most tokens, at most 1024; may be 0 or less.</param>
/// <param name="Stop">Where the answer ends; null: it was left out.</param>
internal sealed record WorkerRequest(string Prompt, IReadOnlyList<string> Pictures, double Temperature, double TopP, int MaxNewTokens, string? Stop)
{
    /// <summary>What is sent, without an error code, when nothing fits any more.</summary>
    public const string TooLong = "Exceeds max token length. Please start a new conversation, thanks.";

    /// <summary>What stands for a picture in a prompt.</summary>
    public const string Marker = "<image>";

    private const int MostNewTokens = 1024;
    private const double LeastTemperature = 0.001;   // from it on, tokens are drawn

    /// <summary>The model that is asked; null: it was left out.</summary>
    public string? Model { get; init; }

    /// <summary>Whether tokens are drawn at random.</summary>
    public bool DoSample => Temperature > LeastTemperature;

    /// <summary>How many markers the prompt has.</summary>
    public int Markers => Prompt.Split(Marker).Length - 1;

    /// <summary>Reads one.</summary>
    /// <exception cref="ProtocolException">A part is missing, or cannot be read.</exception>
    public static WorkerRequest Read(JsonNode? json)
    {
        var request = json as JsonObject ?? throw new ProtocolException("The request is no JSON object.");
        return new(
            ProtocolJson.Text(request, "prompt"),
            Images(request["images"]),
            Double(request, "temperature", 1),
            Double(request, "top_p", 1),
            (int)Math.Min(Integer(request, "max_new_tokens", 256), MostNewTokens),
            request["stop"] is null ? null : ProtocolJson.Text(request, "stop"))
        {
            // the original reads it nowhere, so it may be anything
            Model = request["model"] is JsonValue name && name.TryGetValue<string>(out var model) ? model : null,
        };
    }

    /// <summary>Decodes the pictures.</summary>
    /// <exception cref="ProtocolException">There are not as many as markers, or one is no base64.</exception>
    /// <exception cref="ImageException">One is no picture.</exception>
    public IReadOnlyList<Image> DecodePictures()
    {
        if (Pictures.Count != Markers)
            throw new ProtocolException("Number of images does not match number of <image> tokens in prompt");   // the original's words
        return [.. Pictures.Select((text, number) => Image.FromBytes(Decode(text, number)))];
    }

    private static byte[] Decode(string text, int number)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException exception)
        {
            throw new ProtocolException($"Picture {number + 1} is no base64.", exception);
        }
    }

    private static IReadOnlyList<string> Images(JsonNode? value) => value switch
    {
        null => [],
        JsonArray list => [.. list.Select(item => ProtocolJson.Text(item, "images"))],
        _ => throw new ProtocolException("'images' is no list."),
    };

    // Python's float(): numbers, truth values and texts
    private static double Double(JsonObject request, string key, double otherwise)
    {
        if (!request.TryGetPropertyValue(key, out var value))
            return otherwise;
        var number = value?.GetValueKind() switch
        {
            JsonValueKind.Number => value.AsValue().TryGetValue<double>(out var read) ? read : double.NaN,
            JsonValueKind.True => 1,
            JsonValueKind.False => 0,
            JsonValueKind.String => double.TryParse(value.GetValue<string>().AsSpan().Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var read) ? read : double.NaN,
            _ => double.NaN,
        };
        return double.IsFinite(number) ? number : throw new ProtocolException($"'{key}' is no number.");
    }

    // Python's int(): fractions are cut off, but texts must be whole
    private static long Integer(JsonObject request, string key, long otherwise)
    {
        if (request[key] is JsonValue text && text.GetValueKind() == JsonValueKind.String)
            return long.TryParse(text.GetValue<string>().AsSpan().Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                ? Math.Clamp(whole, int.MinValue, int.MaxValue) : throw new ProtocolException($"'{key}' is no whole number.");
        return (long)Math.Clamp(Math.Truncate(Double(request, key, otherwise)), int.MinValue, int.MaxValue);
    }
}
