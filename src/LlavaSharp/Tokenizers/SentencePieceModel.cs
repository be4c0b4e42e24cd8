using System.Text;

namespace LlavaSharp.Tokenizers;

/// <summary>A SentencePiece vocabulary with its settings, as <c>tokenizer.model</c> holds it. Immutable.</summary>
internal sealed class SentencePieceModel
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    // reserved: unknown, control and byte pieces, which text never matches; ordinary: all others
    private readonly Dictionary<string, int> _reserved = [];
    private readonly Dictionary<string, int> _ordinary = [];
    private readonly int[] _byteIds = new int[256];

    /// <exception cref="TokenizerException">A piece is empty or doubled, there is not exactly one unknown piece, or byte pieces are missing.</exception>
    public SentencePieceModel(
        IReadOnlyList<SentencePiece> pieces,
        SentencePieceAlgorithm algorithm,
        bool byteFallback,
        string file,
        bool addDummyPrefix = true,
        bool removeExtraSpaces = false,
        bool escapeSpaces = true,
        string unknownSurface = " \u2047 ")
    {
        Pieces = pieces;
        Algorithm = algorithm;
        ByteFallback = byteFallback;
        AddDummyPrefix = addDummyPrefix;
        RemoveExtraSpaces = removeExtraSpaces;
        EscapeSpaces = escapeSpaces;
        UnknownSurface = unknownSurface;
        File = file;
        UnknownId = -1;
        Array.Fill(_byteIds, -1);
        var userDefined = new List<string>();
        for (var id = 0; id < pieces.Count; id++)
        {
            var (text, _, type) = pieces[id];
            if (text.Length == 0)
                throw new TokenizerException($"'{file}': piece {id} is empty.", file);
            if (_reserved.ContainsKey(text) || _ordinary.ContainsKey(text))
                throw new TokenizerException($"'{file}': piece {id}, '{text}', occurs twice.", file);
            if (type is SentencePieceType.Normal or SentencePieceType.UserDefined or SentencePieceType.Unused)
            {
                _ordinary.Add(text, id);
                LongestPiece = Math.Max(LongestPiece, text.Length);
            }
            else
            {
                _reserved.Add(text, id);
            }
            switch (type)
            {
                case SentencePieceType.UserDefined:
                    userDefined.Add(text);
                    break;
                case SentencePieceType.Unused:
                    HasUnusedPieces = true;
                    break;
                case SentencePieceType.Unknown:
                    if (UnknownId >= 0)
                        throw new TokenizerException($"'{file}': pieces {UnknownId} and {id} are both the unknown piece.", file);
                    UnknownId = id;
                    break;
                case SentencePieceType.Byte:
                    if (TextUtilities.ByteOfPiece(text) is not (>= 0 and var value))
                        throw new TokenizerException($"'{file}': piece {id}, '{text}', is no byte piece such as '<0x0A>'.", file);
                    _byteIds[value] = id;
                    break;
            }
        }
        if (UnknownId < 0)
            throw new TokenizerException($"'{file}': there is no unknown piece.", file);
        if (byteFallback && _byteIds.AsSpan().Contains(-1))
            throw new TokenizerException($"'{file}': byte fallback is on, but the piece of byte {Array.IndexOf(_byteIds, -1)} is missing.", file);
        UserDefined = new TokenMatcher(userDefined);
    }

    public IReadOnlyList<SentencePiece> Pieces { get; }

    public SentencePieceAlgorithm Algorithm { get; }

    public bool ByteFallback { get; }

    public bool AddDummyPrefix { get; }

    public bool RemoveExtraSpaces { get; }

    public bool EscapeSpaces { get; }

    /// <summary>What decoding writes for the unknown piece.</summary>
    public string UnknownSurface { get; }

    public string File { get; }

    public int UnknownId { get; }

    /// <summary>The number of chars of the longest piece that text can match.</summary>
    public int LongestPiece { get; }

    public bool HasUnusedPieces { get; }

    /// <summary>Pieces that are always kept whole.</summary>
    public TokenMatcher UserDefined { get; }

    /// <summary>The pieces that text can match, with their ids.</summary>
    public Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Ordinary => _ordinary.GetAlternateLookup<ReadOnlySpan<char>>();

    public int ByteId(byte value) => _byteIds[value];

    /// <summary>The id of a piece of any type, or null.</summary>
    public int? Find(string piece) =>
        _reserved.TryGetValue(piece, out var id) || _ordinary.TryGetValue(piece, out id) ? id : null;

    /// <summary>The same vocabulary without the space in front of the text.</summary>
    public SentencePieceModel WithoutDummyPrefix() =>
        new(Pieces, Algorithm, ByteFallback, File, addDummyPrefix: false, RemoveExtraSpaces, EscapeSpaces, UnknownSurface);

    public static SentencePieceModel Load(string path) => Parse(JsonReading.ReadFile(path), path);

    /// <summary>Reads the protobuf form.</summary>
    public static SentencePieceModel Parse(ReadOnlySpan<byte> bytes, string file)
    {
        var pieces = new List<SentencePiece>();
        ulong algorithm = (ulong)SentencePieceAlgorithm.Unigram;
        bool byteFallback = false, addDummyPrefix = true, removeExtraSpaces = true, escapeSpaces = true;
        var unknownSurface = " \u2047 ";
        var reader = new ProtobufReader(bytes, file);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    pieces.Add(ReadPiece(reader.Bytes, pieces.Count, file));
                    break;
                case 2: // trainer_spec
                    var trainer = new ProtobufReader(reader.Bytes, file);
                    while (trainer.Next())
                    {
                        switch (trainer.Field)
                        {
                            case 3:
                                algorithm = trainer.Number;
                                break;
                            case 24 when trainer.Number != 0:
                                throw new TokenizerException($"'{file}' puts spaces at the end of words (treat_whitespace_as_suffix), which is not supported.", file);
                            case 35:
                                byteFallback = trainer.Number != 0;
                                break;
                            case 44:
                                unknownSurface = Text(trainer.Bytes, "unk_surface", file);
                                break;
                        }
                    }
                    break;
                case 3: // normalizer_spec
                    var normalizer = new ProtobufReader(reader.Bytes, file);
                    while (normalizer.Next())
                    {
                        switch (normalizer.Field)
                        {
                            case 2 when normalizer.Bytes.Length > 0:
                                throw new TokenizerException($"'{file}' normalizes text by a character map (precompiled_charsmap), which is not supported; LLaMA models use 'identity'.", file);
                            case 3:
                                addDummyPrefix = normalizer.Number != 0;
                                break;
                            case 4:
                                removeExtraSpaces = normalizer.Number != 0;
                                break;
                            case 5:
                                escapeSpaces = normalizer.Number != 0;
                                break;
                        }
                    }
                    break;
                case 5 when reader.Bytes.Length > 0: // denormalizer_spec
                    var denormalizer = new ProtobufReader(reader.Bytes, file);
                    while (denormalizer.Next())
                        if (denormalizer.Field == 2 && denormalizer.Bytes.Length > 0)
                            throw new TokenizerException($"'{file}' rewrites decoded text by a character map, which is not supported.", file);
                    break;
            }
        }
        if (pieces.Count == 0)
            throw new TokenizerException($"'{file}' is not a SentencePiece model: it holds no pieces.", file);
        if (algorithm is not ((ulong)SentencePieceAlgorithm.Unigram or (ulong)SentencePieceAlgorithm.Bpe))
            throw new TokenizerException($"'{file}' is of model type {algorithm}; only unigram (1) and BPE (2) are supported.", file);
        return new SentencePieceModel(
            pieces, (SentencePieceAlgorithm)algorithm, byteFallback, file, addDummyPrefix, removeExtraSpaces, escapeSpaces, unknownSurface);
    }

    private static SentencePiece ReadPiece(ReadOnlySpan<byte> bytes, int id, string file)
    {
        var text = "";
        float score = 0;
        ulong type = (ulong)SentencePieceType.Normal;
        var reader = new ProtobufReader(bytes, file);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    text = Text(reader.Bytes, $"piece {id}", file);
                    break;
                case 2:
                    score = reader.Float;
                    break;
                case 3:
                    type = reader.Number;
                    break;
            }
        }
        if (type is < (ulong)SentencePieceType.Normal or > (ulong)SentencePieceType.Byte)
            throw new TokenizerException($"'{file}': piece {id}, '{text}', is of the unknown type {type}.", file);
        if (!float.IsFinite(score))
            throw new TokenizerException($"'{file}': the score of piece {id}, '{text}', is not a finite number.", file);
        return new SentencePiece(text, score, (SentencePieceType)type);
    }

    private static string Text(ReadOnlySpan<byte> bytes, string what, string file)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new TokenizerException($"'{file}': {what} is not valid UTF-8.", file, exception);
        }
    }
}
