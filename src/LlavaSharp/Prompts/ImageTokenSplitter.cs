using LlavaSharp.Tokenizers;

namespace LlavaSharp.Prompts;

/// <summary>The ids of a prompt with pictures: the original's <c>tokenizer_image_token</c>.</summary>
public static class ImageTokenSplitter
{
    /// <summary>
    /// Tokenizes the text between the markers <c>&lt;image&gt;</c>, each part on its own, and puts <paramref name="imageTokenIndex"/> where a marker was.
    /// When the ids of the first part begin with the beginning id, that one is kept and each later part loses its first id;
    /// otherwise nothing is taken off.
    /// </summary>
    public static int[] Encode(string prompt, Tokenizer tokenizer, int imageTokenIndex = LlavaConstants.ImageTokenIndex)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(tokenizer);
        var ids = new List<int>();
        var dropped = 0;
        var first = true;
        foreach (var part in prompt.Split(LlavaConstants.ImageToken))
        {
            var partIds = tokenizer.Encode(part);
            if (first && partIds.Length > 0 && partIds[0] == tokenizer.BeginningOfSequenceId)
            {
                ids.Add(partIds[0]);
                dropped = 1;
            }
            if (!first)
                ids.Add(imageTokenIndex);
            ids.AddRange(partIds.Skip(dropped));
            first = false;
        }
        return [.. ids];
    }

    /// <summary>
    /// The ids of a prompt for a model whose vocabulary has an id of its own for <c>&lt;image&gt;</c> (the Hugging Face layout): the text is
    /// tokenized as a whole, as its own library does, and <paramref name="imageTokenIndex"/> is put in the place of <paramref name="imageTokenId"/>.
    /// </summary>
    public static int[] EncodeWhole(string prompt, Tokenizer tokenizer, int imageTokenId, int imageTokenIndex = LlavaConstants.ImageTokenIndex)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(tokenizer);
        var ids = tokenizer.Encode(prompt);
        ids.AsSpan().Replace(imageTokenId, imageTokenIndex);
        return ids;
    }
}
