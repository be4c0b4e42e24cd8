using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Chat;

/// <summary>Writes adapters with random matrices for the embedded model, in PEFT's layout; the same for the same seed.</summary>
internal static class TestAdapter
{
    public static readonly string[] Attention = ["self_attn.q_proj", "self_attn.v_proj"];
    public static readonly string[] All = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];
    public static readonly string[] Ends = ["mlp.down_proj", "lm_head"];

    /// <summary>Writes one.</summary>
    /// <param name="folder">Where it lies.</param>
    /// <param name="seed">Which numbers it has.</param>
    /// <param name="targets">The layers that it changes.</param>
    /// <param name="rank">Its rank.</param>
    /// <param name="projector">Whether it has a projector of its own.</param>
    /// <param name="strength">How far it moves what a layer gives, in parts of one.</param>
    public static string Write(string folder, int seed, string[] targets, int rank = 4, bool projector = false, double strength = 0.3)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), new JsonObject
        {
            ["peft_type"] = "LORA", ["r"] = rank, ["lora_alpha"] = 2 * rank, ["bias"] = "none", ["fan_in_fan_out"] = false,
            ["target_modules"] = new JsonArray([.. targets.Select(target => (JsonNode)target.Split('.')[^1])]), ["task_type"] = "CAUSAL_LM",
        }.ToJsonString());
        var random = new Random(seed);
        using var basis = CheckpointFolder.Open(EmbeddedModel.Find());
        var matrices = new List<TensorToWrite>();
        foreach (var name in basis.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            if (!targets.Any(target => name.EndsWith(target + ".weight", StringComparison.Ordinal)) || name.Contains("vision_tower", StringComparison.Ordinal))
                continue;
            var (outputs, inputs) = (basis.Tensors[name].Shape[0], basis.Tensors[name].Shape[1]);
            var weight = basis.Tensors[name].ToSingles();
            var size = Math.Sqrt(weight.Average(value => (double)value * value));
            // B A is as large as the weight, but for its rank
            matrices.Add(Matrix($"base_model.model.{name[..^7]}.lora_A.weight", rank, inputs, 1, random));
            matrices.Add(Matrix($"base_model.model.{name[..^7]}.lora_B.weight", outputs, rank, strength * size / Math.Sqrt(rank), random));
        }
        SafetensorsWriter.Write(Path.Combine(folder, "adapter_model.safetensors"), matrices);
        if (projector)
            TorchFileWriter.Write(Path.Combine(folder, "non_lora_trainables.bin"), basis.Tensors.Values.Where(tensor => tensor.Name.Contains("mm_projector", StringComparison.Ordinal))
                .Select(tensor => TensorToWrite.FromSingles("base_model.model." + tensor.Name, tensor.Shape, tensor.ToSingles().Select(value => (float)(value * (1 + 0.2 * Normal(random)))).ToArray())).ToList());
        return folder;
    }

    private static TensorToWrite Matrix(string name, long rows, long columns, double size, Random random) =>
        TensorToWrite.FromSingles(name, [rows, columns], Enumerable.Range(0, (int)(rows * columns)).Select(_ => (float)(size * Normal(random))).ToArray());

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
