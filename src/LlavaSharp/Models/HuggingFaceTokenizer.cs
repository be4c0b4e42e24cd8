using LlavaSharp.Checkpoints;
using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Models;

/// <summary>The tokenizer of a folder in the Hugging Face layout, whose vocabulary holds <c>&lt;image&gt;</c>.</summary>
internal static class HuggingFaceTokenizer
{
    /// <summary>Loads <c>tokenizer.json</c>, which Hugging Face's library prefers, else <c>tokenizer.model</c>.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="imageTokenId">The id that the config gives to a picture.</param>
    /// <param name="rows">How many ids have an embedding.</param>
    /// <exception cref="CheckpointException">The tokenizer and the config do not go together.</exception>
    /// <exception cref="TokenizerException">There is no tokenizer, or a file is at fault.</exception>
    public static Tokenizer Load(string folder, int imageTokenId, int rows)
    {
        var tokenizer = TokenizerLoader.Load(folder, File.Exists(Path.Combine(folder, TokenizerLoader.JsonFile)) ? TokenizerKind.Fast : TokenizerKind.Auto);
        tokenizer.AddToken(LlavaConstants.ImageToken, special: true);
        if (tokenizer.TokenToId(LlavaConstants.ImageToken) is var found && found != imageTokenId)
            throw new CheckpointException($"'{Path.Combine(folder, "config.json")}' gives a picture the id {imageTokenId} (image_token_index), but {LlavaConstants.ImageToken} is {found} in the tokenizer beside it. Copy the tokenizer's files there from the model itself.", folder);
        if (tokenizer.Count > rows)
            throw new CheckpointException($"The tokenizer in '{folder}' has {tokenizer.Count} tokens, but the model has embeddings for {rows}. Copy the tokenizer's files there from the model itself.", folder);
        return tokenizer;
    }
}
