using System.Text.Json.Nodes;

namespace LlavaSharp.Serving.Protocol;

/// <summary>What a worker says of itself.</summary>
/// <param name="ModelNames">The models that it answers for.</param>
/// <param name="Speed">Its share of the work, in comparison with other workers.</param>
/// <param name="QueueLength">Requests that run or wait.</param>
internal sealed record WorkerStatus(IReadOnlyList<string> ModelNames, double Speed, double QueueLength)
{
    /// <summary>Reads one.</summary>
    /// <exception cref="ProtocolException">It is none.</exception>
    public static WorkerStatus Read(JsonObject json) => new(
        json["model_names"] is JsonArray names ? [.. names.Select(name => ProtocolJson.Text(name, "model_names"))] : throw new ProtocolException("'model_names' is missing or no list."),
        ProtocolJson.Number(json, "speed"),
        ProtocolJson.Number(json, "queue_length"));

    /// <summary>As it is sent.</summary>
    public JsonObject ToJson() => new()
    {
        ["model_names"] = new JsonArray([.. ModelNames.Select(name => (JsonNode)name)]),
        ["speed"] = ProtocolJson.Number(Speed),
        ["queue_length"] = ProtocolJson.Number(QueueLength),
    };
}
