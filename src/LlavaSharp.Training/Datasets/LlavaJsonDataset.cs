using System.Text.Json;
using LlavaSharp.Imaging;

namespace LlavaSharp.Training;

/// <summary>A data file of the original: a JSON list of items with <c>conversations</c> and perhaps an <c>image</c>, whose file lies in a folder of pictures.</summary>
public sealed class LlavaJsonDataset : IConversationSource
{
    private readonly Item[] _items;
    private readonly string? _imageFolder;

    private LlavaJsonDataset(Item[] items, string? imageFolder) => (_items, _imageFolder) = (items, imageFolder);

    /// <inheritdoc/>
    public long? Count => _items.Length;

    /// <summary>Reads a data file; pictures are opened when their sample is asked for.</summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="imageFolder">Where the pictures lie; null when no item has one.</param>
    /// <exception cref="TrainingException">The file is missing or malformed; the message names the item.</exception>
    public static LlavaJsonDataset Load(string path, string? imageFolder)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            using var stream = File.OpenRead(path);
            using var document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
                throw new TrainingException($"'{path}' holds no JSON list of samples.");
            var items = document.RootElement.EnumerateArray().Select((item, index) => Read(item, index, path)).ToArray();
            if (items.Length == 0)
                throw new TrainingException($"'{path}' holds no samples.");
            if (imageFolder is null && Array.Find(items, item => item.Image is not null) is { } pictured)
                throw new TrainingException($"'{path}' names pictures, such as '{pictured.Image}', but no folder for them is given (--image_folder).");
            return new(items, imageFolder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new TrainingException($"The data file '{path}' cannot be read: {exception.Message}", innerException: exception);
        }
    }

    /// <inheritdoc/>
    /// <returns>How many words the item has, plus 128 when it has a picture: as the original counts it.</returns>
    public int EstimateLength(long index) => _items[index].Words + (_items[index].Image is null ? 0 : 128);

    /// <summary>How many words an item has, negative for text alone.</summary>
    public int ModalityLength(long index) => _items[index].Image is null ? -_items[index].Words : _items[index].Words;

    /// <inheritdoc/>
    /// <exception cref="ImageException">The picture cannot be opened.</exception>
    public ConversationSample Get(long index)
    {
        var item = _items[index];
        return new ConversationSample(item.Turns, item.Image is null ? null : Image.Load(Path.Combine(_imageFolder!, item.Image)));
    }

    private static Item Read(JsonElement item, int index, string path)
    {
        if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty("conversations", out var list) || list.ValueKind != JsonValueKind.Array)
            throw new TrainingException($"Item {index} of '{path}' has no list 'conversations'.");
        var turns = new List<ConversationTurn>();
        foreach (var turn in list.EnumerateArray())
        {
            if (turn.ValueKind != JsonValueKind.Object
                || !turn.TryGetProperty("from", out var from) || from.ValueKind != JsonValueKind.String
                || !turn.TryGetProperty("value", out var value) || value.ValueKind != JsonValueKind.String)
                throw new TrainingException($"Turn {turns.Count} of item {index} of '{path}' lacks the texts 'from' and 'value'.");
            turns.Add(new ConversationTurn(from.GetString()!, value.GetString()!));
        }
        string? image = null;
        if (item.TryGetProperty("image", out var named))
            image = named.ValueKind == JsonValueKind.String ? named.GetString() : throw new TrainingException($"'image' of item {index} of '{path}' is no file name.");
        return new Item([.. turns], image, turns.Sum(turn => CountWords(turn.Value)));
    }

    // Unicode white space and the four information separators end a word, as in the original's language
    private static int CountWords(string text)
    {
        var words = 0;
        var inside = false;
        foreach (var c in text)
        {
            var separates = char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';
            words += !separates && !inside ? 1 : 0;
            inside = !separates;
        }
        return words;
    }

    private sealed record Item(ConversationTurn[] Turns, string? Image, int Words);
}
