namespace LlavaSharp.Tokenizers;

/// <summary>
/// Turns ids into text as they are generated, in the pieces of the original's streamer: whole words up to the last space, everything when the text ends
/// in a line feed or a Chinese character, the rest at the end. Not for concurrent use.
/// </summary>
/// <param name="tokenizer">The tokenizer that decodes.</param>
/// <param name="skipSpecialTokens">Leave special tokens out.</param>
public sealed class StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens = true)
{
    /// <summary>Whether the text is the tokens' own, and <c>clean_up_tokenization_spaces</c> takes out nothing.</summary>
    internal bool KeepsSpaces { get; init; }

    // decoding from the line's beginning is cheap for so few ids; beyond, the ids before a safe point are decoded once only
    private const int IdsDecodedAgain = 64;

    // the ids of the line; once an anchor is found, the anchor and those after it
    private readonly List<int> _ids = [];
    // the text up to the anchor's end as far as it is not printed, and the length of the anchor's own text
    private string _head = "";
    private int _anchorLength;
    private int _printed;

    /// <summary>Takes the next id and returns the text that is ready, often none.</summary>
    /// <exception cref="TokenizerException">The id is outside the vocabulary.</exception>
    public string Put(int id)
    {
        _ids.Add(id);
        string text;
        try
        {
            text = DecodeAll();
        }
        catch (TokenizerException)
        {
            _ids.RemoveAt(_ids.Count - 1);
            throw;
        }
        if (text.EndsWith('\n'))
        {
            var line = From(text, _printed);
            Clear();
            return line;
        }
        // a position is counted in code points: what is printed stays printed when broken bytes before it become a character
        var ready = EndsInChinese(text) ? From(text, _printed) : From(text[..(text.LastIndexOf(' ') + 1)], _printed);
        _printed += CodePoints(ready);
        Advance(text);
        return ready;
    }

    /// <summary>Returns what is left; the next <see cref="Put"/> begins a new text.</summary>
    public string End()
    {
        var rest = _ids.Count > 0 ? From(DecodeAll(), _printed) : "";
        Clear();
        return rest;
    }

    private string DecodeAll() => _head + Decode(_ids)[_anchorLength..];

    private string Decode(IReadOnlyList<int> ids) =>
        KeepsSpaces ? tokenizer.Decode(ids, skipSpecialTokens, cleanUpSpaces: false) : tokenizer.Decode(ids, skipSpecialTokens);

    private void Advance(string text)
    {
        if (_ids.Count < IdsDecodedAgain || !tokenizer.IsDecodeAnchor(_ids[^1], skipSpecialTokens))
            return;
        var alone = Decode([_ids[^1]]);
        if (alone.Length == 0 || alone.Contains('\uFFFD'))
            return;
        // what is printed is not looked at again; broken bytes that became one character can leave the text shorter than what was printed for them
        (_head, _anchorLength, _printed) = (From(text, _printed), alone.Length, Math.Max(0, _printed - CodePoints(text)));
        _ids.RemoveRange(0, _ids.Count - 1);
    }

    private void Clear()
    {
        _ids.Clear();
        (_head, _anchorLength, _printed) = ("", 0, 0);
    }

    private static string From(string text, int codePoints)
    {
        var index = 0;
        for (; codePoints > 0 && index < text.Length; codePoints--)
            index += TextUtilities.CodePointLength(text, index);
        return text[index..];
    }

    private static int CodePoints(string text)
    {
        var count = 0;
        for (var i = 0; i < text.Length; i += TextUtilities.CodePointLength(text, i))
            count++;
        return count;
    }

    private static bool EndsInChinese(string text)
    {
        if (text.Length == 0)
            return false;
        int last = text[^1];
        if (char.IsLowSurrogate(text[^1]) && text.Length > 1 && char.IsHighSurrogate(text[^2]))
            last = char.ConvertToUtf32(text[^2], text[^1]);
        return last is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
            or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
    }
}
