using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlavaSharp.Cli.Commands;

/// <summary>The JSON form of an answer; generated when the project is built, so that starting is fast.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RunReport))]
[JsonSerializable(typeof(SynthAnswerRow))]
internal sealed partial class RunJson : JsonSerializerContext
{
    /// <summary>Markers such as <c>&lt;image&gt;</c> stay readable.</summary>
    public static RunJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
