using System.Text.Json;
using LlavaSharp.IO;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Data.Tokenizers;

/// <summary>
/// Trains a small SentencePiece BPE model with the settings of LLaMA: <c>&lt;unk&gt; &lt;s&gt; &lt;/s&gt;</c> as ids 0 to 2, 256 byte pieces, identity normalization,
/// a space in front of the text, every character of the texts in the vocabulary. The same texts and options always give the same bytes.
/// </summary>
public static class SentencePieceTrainer
{
    private const int ReservedPieces = 3 + 256;

    /// <summary>Trains and returns the bytes of <c>tokenizer.model</c>.</summary>
    /// <param name="texts">The texts, read once; control characters such as line feeds are left to the byte pieces.</param>
    /// <param name="options">The settings; by default 1,024 pieces.</param>
    /// <exception cref="LlavaException">The vocabulary is too small for the characters of the texts.</exception>
    public static byte[] Train(IEnumerable<string> texts, SentencePieceTrainerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        options ??= new();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LongestPiece, 1);
        var counter = new WordCounter(options.SplitDigits);
        foreach (var text in texts)
            counter.Add(text);
        counter.Characters.TryAdd("\u2581", 0);
        var characters = counter.Characters.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Key).ToList();
        var room = options.VocabularySize - ReservedPieces - characters.Count;
        if (room < 0)
            throw new LlavaException(
                $"A vocabulary of {options.VocabularySize} cannot hold the {characters.Count} different characters of the texts beside {ReservedPieces} special and byte pieces; "
                + $"take at least {ReservedPieces + characters.Count}.");
        var merges = new PairMerger(counter.Words, options.LongestPiece).Learn(room);
        return Write([.. merges, .. characters], options);
    }

    /// <summary>Trains and writes <c>tokenizer.model</c>, <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c> into a folder, which is made if need be.</summary>
    /// <returns>The tokenizer, loaded from what was written.</returns>
    /// <exception cref="LlavaException">The vocabulary is too small for the characters of the texts.</exception>
    public static Tokenizer TrainTo(string folder, IEnumerable<string> texts, SentencePieceTrainerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        options ??= new();
        var model = Train(texts, options);
        Directory.CreateDirectory(folder);
        AtomicFile.WriteBytes(Path.Combine(folder, "tokenizer.model"), model);
        AtomicFile.WriteBytes(Path.Combine(folder, "tokenizer_config.json"), WriteConfig(options));
        AtomicFile.WriteBytes(Path.Combine(folder, "special_tokens_map.json"), WriteSpecialTokens());
        return TokenizerLoader.Load(folder, TokenizerKind.Slow);
    }

    private static byte[] Write(List<string> pieces, SentencePieceTrainerOptions options)
    {
        var model = new ProtobufWriter();
        AddPiece("<unk>", 0, 2);
        AddPiece("<s>", 0, 3);
        AddPiece("</s>", 0, 3);
        for (var value = 0; value < 256; value++)
            AddPiece($"<0x{value:X2}>", 0, 6);
        for (var i = 0; i < pieces.Count; i++)
            AddPiece(pieces[i], -i, 1); // what is joined first scores highest
        model.Bytes(2, new ProtobufWriter()
            .Number(3, 2) // byte-pair encoding
            .Number(4, ReservedPieces + pieces.Count)
            .Float(10, 1) // character coverage
            .Number(20, options.LongestPiece)
            .Number(25, options.SplitDigits ? 1 : 0)
            .Number(26, 1) // pieces of spaces only are allowed
            .Number(35, 1) // byte fallback
            .Number(40, 0).Number(41, 1).Number(42, 2).Number(43, -1) // unknown, beginning, end; no padding
            .Text(44, " \u2047 ")
            .ToArray());
        model.Bytes(3, new ProtobufWriter().Text(1, "identity").Text(2, "").Number(3, 1).Number(4, 0).Number(5, 1).ToArray());
        return model.ToArray();

        void AddPiece(string text, float score, int type)
        {
            var piece = new ProtobufWriter().Text(1, text).Float(2, score);
            model.Bytes(1, (type == 1 ? piece : piece.Number(3, type)).ToArray());
        }
    }

    private static byte[] WriteConfig(SentencePieceTrainerOptions options) => WriteJson(json =>
    {
        json.WriteBoolean("add_bos_token", true);
        json.WriteBoolean("add_eos_token", false);
        WriteToken(json, "bos_token", "<s>", typed: true);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        WriteToken(json, "eos_token", "</s>", typed: true);
        json.WriteBoolean("legacy", options.Legacy);
        json.WriteNumber("model_max_length", options.ModelMaxLength);
        json.WriteNull("pad_token");
        json.WriteString("padding_side", "right");
        json.WriteStartObject("sp_model_kwargs");
        json.WriteEndObject();
        json.WriteString("tokenizer_class", "LlamaTokenizer");
        WriteToken(json, "unk_token", "<unk>", typed: true);
    });

    private static byte[] WriteSpecialTokens() => WriteJson(json =>
    {
        WriteToken(json, "bos_token", "<s>", typed: false);
        WriteToken(json, "eos_token", "</s>", typed: false);
        json.WriteString("pad_token", "<unk>");
        WriteToken(json, "unk_token", "<unk>", typed: false);
    });

    private static void WriteToken(Utf8JsonWriter json, string name, string content, bool typed)
    {
        json.WriteStartObject(name);
        if (typed)
            json.WriteString("__type", "AddedToken");
        json.WriteString("content", content);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("single_word", false);
        json.WriteEndObject();
    }

    private static byte[] WriteJson(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }
}
