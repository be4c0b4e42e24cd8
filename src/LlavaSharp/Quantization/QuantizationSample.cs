using LlavaSharp.Imaging;

namespace LlavaSharp.Quantization;

/// <summary>A text, perhaps with pictures, that a model reads to be measured or calibrated.</summary>
/// <param name="Ids">The ids; -200 marks a picture.</param>
/// <param name="Labels">As long as <paramref name="Ids"/>: the id where its prediction counts, -100 elsewhere.</param>
/// <param name="Images">The pictures.</param>
internal sealed record QuantizationSample(int[] Ids, long[] Labels, IReadOnlyList<Image> Images)
{
    /// <summary>A text without pictures, in windows of the model's context; every token counts but the first of a window.</summary>
    /// <param name="model">The model whose tokenizer reads it.</param>
    /// <param name="text">The text.</param>
    /// <param name="window">The most tokens of a window; null: as many as the model takes.</param>
    /// <exception cref="LlavaException">There are no two tokens.</exception>
    public static IReadOnlyList<QuantizationSample> FromText(LlavaModel model, string text, int? window = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(text);
        var ids = model.EncodePrompt(text, 0);
        if (ids.Length < 2)
            throw new LlavaException("The text has fewer than two tokens: there is nothing to predict.");
        return [.. ids.Chunk(Math.Min(window ?? int.MaxValue, model.ContextLength)).Select(part => new QuantizationSample(part, Array.ConvertAll(part, id => (long)id), []))];
    }

    /// <summary>The file of a text.</summary>
    /// <exception cref="LlavaException">It cannot be read, or has no two tokens.</exception>
    public static IReadOnlyList<QuantizationSample> FromFile(LlavaModel model, string path, int? window = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return FromText(model, File.ReadAllText(path), window);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LlavaException($"The text '{path}' cannot be read: {exception.Message}", exception);
        }
    }
}
