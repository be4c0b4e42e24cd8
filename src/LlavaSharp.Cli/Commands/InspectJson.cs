using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Cli.Commands;

/// <summary>The object that <c>llava inspect --json</c> prints.</summary>
internal static class InspectJson
{
    private static readonly JsonSerializerOptions _format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string From(CheckpointReport report, string name) => new JsonObject
    {
        ["model"] = name,
        ["folder"] = report.Folder,
        ["kind"] = Name(report.Kind),
        ["family"] = report.Family is { } family ? Name(family) : null,
        ["version"] = report.Version,
        ["template"] = report.Template,
        ["has_chat_template"] = report.HasChatTemplate,
        ["vision_tower"] = report.VisionTower,
        ["vision_tower_folder"] = report.VisionTowerFolder,
        ["has_tower_inside"] = report.HasTowerInside,
        ["uses_tower_inside"] = report.UsesTowerInside,
        ["parameters"] = Numbers(report.Parameters.Select(part => (Name(part.Key), part.Value))),
        ["outside_tower_parameters"] = report.OutsideTowerParameters,
        ["total_parameters"] = Total(report),
        ["data_types"] = Numbers(report.DataTypes.Select(type => (type.Key.TorchName(), type.Value))),
        ["gguf"] = Gguf(report.Gguf),
        ["bytes_on_disk"] = report.BytesOnDisk,
        ["memory"] = Numbers(report.EstimatedMemory.Select(type => (type.Key, type.Value))),
        ["is_sound"] = report.IsSound,
        ["missing"] = new JsonArray([.. report.Missing.Select(tensor => (JsonNode)new JsonObject { ["name"] = tensor.Name, ["shape"] = Shape(tensor.Shape) })]),
        ["unexpected"] = new JsonArray([.. report.Unexpected.Select(tensor => (JsonNode)new JsonObject
        {
            ["name"] = tensor.Name, ["shape"] = Shape(tensor.Shape), ["data_type"] = tensor.DataType.TorchName(), ["file"] = tensor.File,
        })]),
        ["wrong_shape"] = new JsonArray([.. report.MisShaped.Select(pair => (JsonNode)new JsonObject
        {
            ["name"] = pair.Found.Name, ["shape"] = Shape(pair.Found.Shape), ["expected_shape"] = Shape(pair.Expected.Shape), ["file"] = pair.Found.File,
        })]),
    }.ToJsonString(_format);

    private static JsonObject? Gguf(GgufReport? gguf) => gguf is null ? null : new()
    {
        ["architecture"] = gguf.Architecture,
        ["name"] = gguf.ModelName,
        ["can_be_loaded"] = gguf.CanBeLoaded,
        ["dimensions"] = Numbers(gguf.Dimensions.Select(dimension => (dimension.Key, dimension.Value))),
        ["tensor_types"] = new JsonObject(gguf.TensorTypes.Select(type => KeyValuePair.Create(
            type.Type, (JsonNode?)new JsonObject { ["tensors"] = type.Tensors, ["parameters"] = type.Parameters, ["bytes"] = type.Bytes }))),
        ["tokenizer"] = gguf.Tokenizer,
        ["pre_tokenizer"] = gguf.PreTokenizer,
        ["tokens"] = gguf.Tokens,
    };

    /// <summary>All parameters that a loaded model has: its own, and those of a tower outside.</summary>
    public static long Total(CheckpointReport report)
    {
        var inside = report.Parameters.Sum(part => part.Key == ModelPart.VisionTower && report.OutsideTowerParameters > 0 ? 0 : part.Value);
        return inside + report.OutsideTowerParameters;
    }

    /// <summary>A name as JSON and users write it: <c>LoraAdapter</c> is <c>lora_adapter</c>.</summary>
    public static string Name(Enum value) => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    private static JsonObject Numbers(IEnumerable<(string Name, long Value)> numbers) =>
        new(numbers.Select(number => KeyValuePair.Create(number.Name, (JsonNode?)number.Value)));

    private static JsonArray Shape(IEnumerable<long> shape) => new([.. shape.Select(side => (JsonNode)side)]);
}
