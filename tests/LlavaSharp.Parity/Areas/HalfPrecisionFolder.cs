using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.IO;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Parity.Areas;

/// <summary>A GGUF file written as a Hugging Face folder whose weights are float16: what most published folders of such models hold.</summary>
internal static class HalfPrecisionFolder
{
    private const int PieceLength = 1 << 20;

    /// <summary>Writes config, weights, tokenizer and chat template.</summary>
    public static void Write(string ggufFile, string folder)
    {
        using var checkpoint = GgufCheckpoint.Open(ggufFile);
        var config = checkpoint.Config.Json;
        config["torch_dtype"] = "float16";
        AtomicFile.WriteJson(Path.Combine(folder, "config.json"), config);
        SafetensorsWriter.WriteSharded(folder, checkpoint.Tensors.Values.Select(tensor => new TensorToWrite(tensor.Name, StoredDataType.Float16, tensor.Shape, stream => WriteHalves(tensor, stream))));
        AtomicFile.WriteJson(Path.Combine(folder, "tokenizer.json"), GgufTokenizer.ToJson(checkpoint.File));
        var tokens = checkpoint.File.Find<string[]>("tokenizer.ggml.tokens")!;
        AtomicFile.WriteJson(Path.Combine(folder, "tokenizer_config.json"), new JsonObject
        {
            ["tokenizer_class"] = "GPT2Tokenizer",
            ["add_bos_token"] = checkpoint.File.Flag("tokenizer.ggml.add_bos_token"),
            ["bos_token"] = Token("bos"),
            ["eos_token"] = Token("eos"),
            ["unk_token"] = Token("unknown"),
            ["pad_token"] = Token("padding"),
            ["clean_up_tokenization_spaces"] = false,
            ["chat_template"] = GgufTokenizer.ChatTemplate(checkpoint.File),
        });

        string? Token(string name) => checkpoint.File.Integer($"tokenizer.ggml.{name}_token_id") is { } id ? tokens[id] : null;
    }

    private static unsafe void WriteHalves(StoredTensor tensor, Stream stream)
    {
        var values = new ReadOnlySpan<float>(tensor.Pointer, checked((int)tensor.ElementCount));
        var halves = new Half[Math.Min(PieceLength, values.Length)];
        for (; values.Length > 0; values = values[Math.Min(halves.Length, values.Length)..])
        {
            var piece = values[..Math.Min(halves.Length, values.Length)];
            for (var i = 0; i < piece.Length; i++)
                halves[i] = (Half)piece[i];
            stream.Write(MemoryMarshal.AsBytes(halves.AsSpan(0, piece.Length)));
        }
    }
}
