using System.Collections.ObjectModel;
using System.Text.Json.Nodes;

namespace LlavaSharp.Serving.Protocol;

/// <summary>What a worker says of itself.</summary>
/// <param name="ModelNames">The models that it answers for.</param>
/// <param name="Speed">Its share of the work, in comparison with other workers.</param>
/// <param name="QueueLength">Requests that run or wait.</param>
internal sealed record WorkerStatus(IReadOnlyList<string> ModelNames, double Speed, double QueueLength)
{
    private const string TemplatesKey = "conversation_templates";   // an addition of ours, which the original's programs pass over

    /// <summary>The conversation templates that go with models whatever their names are, by model.</summary>
    public IReadOnlyDictionary<string, string> Templates { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Reads one.</summary>
    /// <exception cref="ProtocolException">It is none.</exception>
    public static WorkerStatus Read(JsonObject json) => new(
        json["model_names"] is JsonArray names ? [.. names.Select(name => ProtocolJson.Text(name, "model_names"))] : throw new ProtocolException("'model_names' is missing or no list."),
        ProtocolJson.Number(json, "speed"),
        ProtocolJson.Number(json, "queue_length"))
    {
        Templates = ReadTemplates(json),
    };

    /// <summary>The templates in a worker's status or in a controller's list; what is no text is passed over.</summary>
    public static IReadOnlyDictionary<string, string> ReadTemplates(JsonObject json)
    {
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        if (json[TemplatesKey] is JsonObject said)
            foreach (var (model, template) in said)
                if (template is JsonValue value && value.TryGetValue<string>(out var name))
                    templates[model] = name;
        return templates;
    }

    /// <summary>Adds templates to a worker's status or a controller's list, if there are any.</summary>
    public static JsonObject WithTemplates(JsonObject json, IReadOnlyDictionary<string, string> templates)
    {
        if (templates.Count > 0)
            json[TemplatesKey] = new JsonObject(templates.Select(template => KeyValuePair.Create(template.Key, (JsonNode?)template.Value)));
        return json;
    }

    /// <summary>As it is sent.</summary>
    public JsonObject ToJson() => WithTemplates(
        new()
        {
            ["model_names"] = new JsonArray([.. ModelNames.Select(name => (JsonNode)name)]),
            ["speed"] = ProtocolJson.Number(Speed),
            ["queue_length"] = ProtocolJson.Number(QueueLength),
        },
        Templates);
}
