using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp.Tests.Prompts.ChatTemplates;

/// <summary>The golden templates, and rendering with the settings that they were recorded with.</summary>
internal static class TemplateTesting
{
    private static readonly Dictionary<string, string> _tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };

    /// <summary>Special tokens, and the time that was recorded.</summary>
    public static ChatTemplateOptions Options { get; } = new() { SpecialTokens = _tokens, TimeProvider = new FixedClock(new DateTimeOffset(2025, 3, 9, 7, 5, 4, TimeSpan.Zero)) };

    /// <summary>The names of the golden templates.</summary>
    public static IEnumerable<string> Names => Directory.GetFiles(TestFiles.Golden("chat-templates"), "*.jinja").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);

    /// <summary>The text of a golden template.</summary>
    public static string Source(string name) => File.ReadAllText(TestFiles.Golden("chat-templates", name + ".jinja"));

    /// <summary>What is recorded of the golden templates.</summary>
    public static JsonElement Models() => JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("chat-templates", "models.json"))).RootElement;

    /// <summary>The rows of single features, and the variables of all of them.</summary>
    public static (JsonObject Variables, IReadOnlyList<(string Template, string? Output)> Rows) Cases()
    {
        var lines = File.ReadAllLines(TestFiles.Golden("chat-templates", "cases.jsonl"));
        var variables = JsonNode.Parse(lines[0])!["variables"]!.AsObject();
        return (variables, [.. lines.Skip(1).Select(line => JsonNode.Parse(line)!).Select(row => (row["template"]!.GetValue<string>(), row["output"]?.GetValue<string>()))]);
    }

    /// <summary>What a template writes without variables.</summary>
    public static string Render(string template, ChatTemplateLimits? limits = null) =>
        ChatTemplate.Parse(template, limits is null ? Options : Options with { Limits = limits }).Render([]);

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
