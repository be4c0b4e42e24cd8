using System.Text;
using System.Text.Json;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>The <c>decoder</c> of a tokenizer.json: a list of tokens to a list of texts, which are then put together.</summary>
internal static class TokenDecoder
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    public static Func<List<string>, List<string>> Read(JsonElement? component, string file)
    {
        if (component is not { } element)
            return tokens => [string.Join(' ', tokens)];
        var type = element.RequiredText("type", file);
        switch (type)
        {
            case "Sequence":
                return Sequence([.. element.Items("decoders", file).Select(item => Read(item, file))]);
            case "Replace":
                var pattern = TextPattern.Read(element, file);
                var content = element.RequiredText("content", file);
                return Each(token => pattern.Replace(token, content));
            case "ByteFallback":
                return ByteFallback;
            case "Fuse":
                return Fuse;
            case "Strip":
                var stripped = element.RequiredText("content", file);
                if (stripped.Length != 1)
                    throw new TokenizerException($"'{file}': the decoder Strip takes one character, not '{stripped}'.", file);
                return Strip(
                    stripped[0],
                    element.Get("start")?.Id("'start'", file) ?? 0,
                    element.Get("stop")?.Id("'stop'", file) ?? 0);
            case "ByteLevel":
                return ByteLevel;
            case "Metaspace":
                var replacement = PreTokenizer.MetaspaceReplacement(element, file);
                var drops = PreTokenizer.MetaspaceScheme(element, file) != "never";
                return tokens => [.. tokens.Select((token, i) => i == 0 && drops
                    ? token.Replace(replacement.ToString(), "", StringComparison.Ordinal)
                    : token.Replace(replacement, ' '))];
            case "BPEDecoder":
                var suffix = element.Get("suffix")?.Text("'suffix'", file) ?? "</w>";
                return suffix.Length == 0
                    ? tokens => tokens
                    : tokens => [.. tokens.Select((token, i) => token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
            default:
                throw new TokenizerException(
                    $"'{file}': the decoder '{type}' is not supported; known: Sequence, Replace, ByteFallback, Fuse, Strip, ByteLevel, Metaspace, BPEDecoder.", file);
        }
    }

    /// <summary>Whether the text of a list of tokens is that of its head followed by what only the rest decides.</summary>
    public static bool WorksInOrder(JsonElement? component, string file)
    {
        if (component is not { } element)
            return false;
        var fused = false;
        var steps = element.RequiredText("type", file) == "Sequence" ? element.Items("decoders", file) : [element];
        foreach (var step in steps)
        {
            switch (step.RequiredText("type", file))
            {
                case "Fuse" or "ByteLevel":
                    fused = true;
                    break;
                case "Strip" when !fused || (step.Get("stop")?.Id("'stop'", file) ?? 0) == 0:
                case "Replace" or "ByteFallback" or "Metaspace" when !fused:
                    break;
                default:
                    return false;
            }
        }
        return true;
    }

    /// <summary>What a token adds to a text wherever it stands but at its ends; null where that depends on the tokens beside it.</summary>
    public static Func<string, byte[]>? Bytes(JsonElement? component, string file)
    {
        if (component is not { } element)
            return null;
        List<Func<string, string>> changes = [];
        var (fused, fallsBack) = (false, false);
        var steps = element.RequiredText("type", file) == "Sequence" ? element.Items("decoders", file) : [element];
        foreach (var step in steps)
        {
            switch (step.RequiredText("type", file))
            {
                case "ByteLevel" when !fallsBack && !fused && changes.Count == 0:
                    return token =>
                    {
                        var bytes = new List<byte>();
                        ByteLevelAlphabet.Decode(token, bytes);
                        return [.. bytes];
                    };
                case "Fuse":
                    fused = true;
                    break;
                case "ByteFallback" when !fused:
                    fallsBack = true;
                    break;
                case "Strip" when fused && step.RequiredText("content", file) == " " && (step.Get("stop")?.Id("'stop'", file) ?? 0) == 0:
                    break;   // the beginning of the text
                case "Replace" when !fused && !fallsBack:
                    var (pattern, content) = (TextPattern.Read(step, file), step.RequiredText("content", file));
                    changes.Add(token => pattern.Replace(token, content));
                    break;
                case "Metaspace" when !fused && !fallsBack:
                    var replacement = PreTokenizer.MetaspaceReplacement(step, file);
                    changes.Add(token => token.Replace(replacement, ' '));
                    break;
                default:
                    return null;
            }
        }
        return token => fallsBack && TextUtilities.ByteOfPiece(token) is >= 0 and var value
            ? [(byte)value]
            : Encoding.UTF8.GetBytes(changes.Aggregate(token, (text, change) => change(text)));
    }

    public static Func<List<string>, List<string>> Sequence(IReadOnlyList<Func<List<string>, List<string>>> steps) =>
        tokens => steps.Aggregate(tokens, (current, step) => step(current));

    public static Func<List<string>, List<string>> Each(Func<string, string> change) => tokens => tokens.ConvertAll(token => change(token));

    public static List<string> Fuse(List<string> tokens) => [string.Concat(tokens)];

    /// <summary>Takes up to <paramref name="start"/> and <paramref name="stop"/> of a character off the ends of each token.</summary>
    public static Func<List<string>, List<string>> Strip(char character, int start, int stop) => Each(token =>
    {
        int first = 0, last = token.Length;
        while (first < last && first < start && token[first] == character)
            first++;
        while (last > first && token.Length - last < stop && token[last - 1] == character)
            last--;
        return token[first..last];
    });

    /// <summary>A run of byte pieces becomes its text, or U+FFFD for each byte as soon as the run is not valid UTF-8 as a whole.</summary>
    public static List<string> ByteFallback(List<string> tokens)
    {
        var output = new List<string>(tokens.Count);
        var run = new List<byte>();
        foreach (var token in tokens)
        {
            if (TextUtilities.ByteOfPiece(token) is >= 0 and var value)
            {
                run.Add((byte)value);
                continue;
            }
            Flush();
            output.Add(token);
        }
        Flush();
        return output;

        void Flush()
        {
            if (run.Count == 0)
                return;
            try
            {
                output.Add(StrictUtf8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(run)));
            }
            catch (DecoderFallbackException)
            {
                output.AddRange(Enumerable.Repeat("\uFFFD", run.Count));
            }
            run.Clear();
        }
    }

    /// <summary>Byte-level characters to bytes to text; each longest broken part becomes one U+FFFD.</summary>
    public static List<string> ByteLevel(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
            ByteLevelAlphabet.Decode(token, bytes);
        return [Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes))];
    }
}
