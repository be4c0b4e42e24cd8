using System.Text.Json;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>The components of a tokenizer.json.</summary>
internal sealed record JsonTokenizerParts(
    BpeModel Model,
    Func<string, string> Normalize,
    Func<TextPart, IEnumerable<TextPart>> PreTokenize,
    PostProcessor PostProcessor,
    Func<List<string>, List<string>> Decode,
    bool DecodesInOrder,
    Func<string, byte[]>? TokenBytes,
    IReadOnlyList<(int Id, AddedToken Token)> AddedTokens)
{
    public static JsonTokenizerParts Read(JsonElement root, string file, TokenizerSettings settings)
    {
        var model = root.Get("model") ?? throw new TokenizerException($"'{file}': 'model' is missing.", file);
        // these classes put their own setting in place of the file's
        bool? prefixSpace = settings.ClassName is "GPTNeoXTokenizer" or "GPT2Tokenizer" ? settings.AddPrefixSpace ?? false : null;
        return new JsonTokenizerParts(
            BpeModel.Read(model, file),
            Normalizer.Read(root.Get("normalizer"), file),
            PreTokenizer.Read(root.Get("pre_tokenizer"), file, prefixSpace),
            PostProcessor.Read(root.Get("post_processor"), file),
            TokenDecoder.Read(root.Get("decoder"), file),
            TokenDecoder.WorksInOrder(root.Get("decoder"), file),
            TokenDecoder.Bytes(root.Get("decoder"), file),
            [.. root.Items("added_tokens", file).Select(item => (
                (item.Get("id") ?? throw new TokenizerException($"'{file}': an added token lacks its 'id'.", file)).Id("the id of an added token", file),
                TokenizerSettings.ReadAddedToken(item, file)))]);
    }
}
