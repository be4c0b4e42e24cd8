using System.Globalization;
using LlavaSharp.Checkpoints.Formula;
using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Native;

namespace LlavaSharp.Benchmarking.Peer;

/// <summary>The language model of a shape as a GGUF file with formula weights, for llama.cpp; made once, in the cache.</summary>
internal static class PeerModelFile
{
    private const int Version = 1;   // another one makes the files anew

    /// <summary>The file's path; it is written when it is not there.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="matrices">How the matrices of the layers and the embeddings are stored.</param>
    /// <param name="output">How the output matrix is stored.</param>
    /// <param name="notice">Is told what takes long.</param>
    /// <param name="cache">The folder for such things; null: <see cref="CacheFolder"/>.</param>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static string Ensure(BenchShape shape, GgufType matrices, GgufType output, Action<string>? notice = null, string? cache = null)
    {
        var path = Path.Combine(cache ?? CacheFolder.Root, "peer", "models", string.Create(CultureInfo.InvariantCulture, $"{shape.Name}-{shape.Config.NumHiddenLayers}-{matrices}-{output}-{Version}.gguf").ToLowerInvariant());
        if (File.Exists(path))
            return path;
        notice?.Invoke($"Writing the weights of {shape} for llama.cpp ({matrices}): {path}");
        using var formula = new FormulaTensors(shape.Tensors);
        LanguageModelGguf.Write(path, $"{shape.Name} with formula weights", shape.Config, formula.Tensors, GgufVocabulary.MadeUp(shape.Config.VocabSize), matrices, output, formula.Release);
        return path;
    }
}
