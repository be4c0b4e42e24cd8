using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Tokenizers.Json;

namespace LlavaSharp.Tokenizers;

/// <summary>Loads the tokenizer of a checkpoint folder.</summary>
public static class TokenizerLoader
{
    internal const string ModelFile = "tokenizer.model";
    internal const string JsonFile = "tokenizer.json";

    /// <summary>
    /// Loads the tokenizer of <paramref name="folder"/>. The original takes <see cref="TokenizerKind.Slow"/> for the LLaMA family
    /// (a missing <c>legacy</c> in <c>tokenizer_config.json</c> means true there) and <see cref="TokenizerKind.Fast"/> for Mistral and MPT.
    /// </summary>
    /// <exception cref="TokenizerException">The folder holds no tokenizer of that kind, or a file is at fault.</exception>
    public static Tokenizer Load(string folder, TokenizerKind kind = TokenizerKind.Auto)
    {
        ArgumentNullException.ThrowIfNull(folder);
        string model = Path.Combine(folder, ModelFile), json = Path.Combine(folder, JsonFile);
        bool hasModel = File.Exists(model), hasJson = File.Exists(json);
        if (!hasModel && !hasJson && File.Exists(Path.Combine(folder, GgufTokenizer.FileName)))
        {
            using var gguf = GgufFile.Open(Path.Combine(folder, GgufTokenizer.FileName));
            return GgufTokenizer.Read(gguf);
        }
        switch (kind)
        {
            case TokenizerKind.Slow or TokenizerKind.Auto when hasModel:
                return SentencePieceTokenizer.Load(folder);
            case TokenizerKind.Fast or TokenizerKind.Auto when hasJson:
                return JsonTokenizer.Load(folder);
            case TokenizerKind.Fast when hasModel:
                return SentencePieceConverter.Convert(SentencePieceModel.Load(model), TokenizerSettings.Load(folder));
        }
        var sought = kind == TokenizerKind.Slow ? $"'{ModelFile}'" : $"'{ModelFile}' or '{JsonFile}'";
        var hint = !Directory.Exists(folder) ? "The folder does not exist."
            : hasJson ? $"There is a '{JsonFile}', which the slow tokenizer cannot use: load it as {TokenizerKind.Fast} or {TokenizerKind.Auto}."
            : "Copy the tokenizer's files there from the model that the checkpoint was trained on.";
        throw new TokenizerException($"No tokenizer in '{folder}': looked for {sought}. {hint}", folder);
    }
}
