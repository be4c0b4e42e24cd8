using System.Text.Json;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Generation;

/// <summary>What a checkpoint's <c>generation_config.json</c> says; null where it says nothing.</summary>
public sealed record GenerationDefaults
{
    /// <summary>The file's name inside a checkpoint.</summary>
    public const string FileName = "generation_config.json";

    /// <summary>The original's library draws from this many tokens when nobody says otherwise.</summary>
    public const int LibraryTopK = 50;

    private const int LargestFile = 1 << 20;

    /// <summary>A checkpoint without the file.</summary>
    public static GenerationDefaults None { get; } = new();

    /// <summary><c>temperature</c>; an explicit null in the file is 1, the library's value.</summary>
    public double? Temperature { get; init; }

    /// <summary><c>top_p</c>; an explicit null in the file is 1 (off).</summary>
    public double? TopP { get; init; }

    /// <summary><c>top_k</c>; an explicit null in the file is 0 (off).</summary>
    public int? TopK { get; init; }

    /// <summary><c>repetition_penalty</c>; an explicit null in the file is 1 (off).</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary><c>max_length</c>: prompt and answer together.</summary>
    public int? MaxLength { get; init; }

    /// <summary><c>eos_token_id</c>, one id or several; empty when the file names none.</summary>
    public IReadOnlyList<int> EndOfSequenceIds { get; init; } = [];

    /// <summary><c>bos_token_id</c>.</summary>
    public int? BeginningOfSequenceId { get; init; }

    /// <summary><c>pad_token_id</c>.</summary>
    public int? PaddingId { get; init; }

    /// <summary>Reads the file of a checkpoint's folder; a folder without it gives <see cref="None"/>.</summary>
    /// <exception cref="CheckpointException">The file is no JSON object, or a value has the wrong type or range.</exception>
    public static GenerationDefaults Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var file = Path.Combine(folder, FileName);
        try
        {
            using var stream = File.OpenRead(file);
            if (stream.Length > LargestFile)
                throw new CheckpointException($"{file} has {stream.Length} bytes; more than {LargestFile} is no generation config. Replace it with the model's own.", file);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return Parse(bytes, file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{file} cannot be read: {e.Message}", file, innerException: e);
        }
    }

    /// <summary>Reads the bytes of such a file; <paramref name="file"/> is its name in messages.</summary>
    /// <exception cref="CheckpointException">The bytes are no JSON object, or a value has the wrong type or range.</exception>
    public static GenerationDefaults Parse(ReadOnlyMemory<byte> json, string file = FileName)
    {
        try
        {
            // A byte order mark is no JSON, but editors put it there.
            using var document = JsonDocument.Parse(json.Span.StartsWith("\uFEFF"u8) ? json[3..] : json);
            return Read(new Fields(document.RootElement, file));
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"{file} is no valid JSON: {e.Message}", file, innerException: e);
        }
    }

    private static GenerationDefaults Read(Fields fields) => new()
    {
        Temperature = fields.Number("temperature", 1, value => value >= 0, "0 or a positive number"),
        TopP = fields.Number("top_p", 1, value => value is >= 0 and <= 1, "a number from 0 to 1"),
        TopK = fields.Integer("top_k", 0, 0),
        RepetitionPenalty = fields.Number("repetition_penalty", 1, value => value > 0, "a positive number"),
        MaxLength = fields.Integer("max_length", null, 0),
        EndOfSequenceIds = fields.Integers("eos_token_id"),
        BeginningOfSequenceId = fields.Integer("bos_token_id", null, 0),
        // Old checkpoints write -1 for "none".
        PaddingId = fields.Integer("pad_token_id", null, -1) is >= 0 and var id ? id : null,
    };

    private readonly struct Fields
    {
        private readonly JsonElement _root;
        private readonly string _file;

        public Fields(JsonElement root, string file)
        {
            (_root, _file) = (root, file);
            if (root.ValueKind != JsonValueKind.Object)
                throw Wrong("the file", "one JSON object");
        }

        public double? Number(string name, double whenNull, Predicate<double> allowed, string wanted)
        {
            if (!_root.TryGetProperty(name, out var value))
                return null;
            if (value.ValueKind == JsonValueKind.Null)
                return whenNull;
            if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || !double.IsFinite(number) || !allowed(number))
                throw Wrong($"'{name}'", wanted);
            return number;
        }

        public int? Integer(string name, int? whenNull, int smallest)
        {
            if (!_root.TryGetProperty(name, out var value))
                return null;
            return value.ValueKind == JsonValueKind.Null ? whenNull : Integer(name, value, smallest);
        }

        public IReadOnlyList<int> Integers(string name)
        {
            if (!_root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
                return [];
            if (value.ValueKind != JsonValueKind.Array)
                return [Integer(name, value, 0)];
            var integers = new List<int>();
            foreach (var item in value.EnumerateArray())
                integers.Add(Integer(name, item, 0));
            return integers;
        }

        private int Integer(string name, JsonElement value, int smallest) =>
            value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number == Math.Floor(number) && number >= smallest && number <= int.MaxValue
                ? (int)number
                : throw Wrong($"'{name}'", $"a whole number from {smallest} to {int.MaxValue}");

        private CheckpointException Wrong(string what, string wanted) =>
            new($"{_file}: {what} is not {wanted}. Correct the file, or remove it to use the defaults.", _file);
    }
}
