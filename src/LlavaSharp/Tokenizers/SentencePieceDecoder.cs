using System.Text;

namespace LlavaSharp.Tokenizers;

/// <summary>Pieces to text as SentencePiece does it, one run after another into the same builder.</summary>
internal sealed class SentencePieceDecoder(SentencePieceModel model, StringBuilder text)
{
    private readonly List<byte> _bytes = [];
    private readonly bool _dropsLeadingSpace = model.AddDummyPrefix || model.RemoveExtraSpaces;
    private bool _expectsLeadingSpace = true;
    private bool _sawLeadingSpace;

    /// <summary>Where the current run begins in the builder.</summary>
    public int RunStart { get; private set; }

    /// <summary>Begins a new run at the builder's end.</summary>
    public void Begin()
    {
        _bytes.Clear();
        _expectsLeadingSpace = true;
        _sawLeadingSpace = false;
        RunStart = text.Length;
    }

    /// <summary>Adds a piece by its text and its id (the unknown id when the text is no piece).</summary>
    public void Add(string piece, int id)
    {
        var type = model.Pieces[id].Type;
        if (type == SentencePieceType.Byte)
        {
            _bytes.Add((byte)TextUtilities.ByteOfPiece(piece));
            return;
        }
        FlushBytes();
        if (_sawLeadingSpace || text.Length > RunStart)
            _expectsLeadingSpace = false;
        _sawLeadingSpace = false;
        switch (type)
        {
            case SentencePieceType.Control:
                return;
            case SentencePieceType.Unknown:
                text.Append(piece == model.Pieces[id].Text ? model.UnknownSurface : piece);
                return;
        }
        var rest = piece.AsSpan();
        if (_expectsLeadingSpace && _dropsLeadingSpace && rest.Length > 0 && rest[0] == TextUtilities.SpaceSymbol)
        {
            rest = rest[1..];
            _sawLeadingSpace = !model.RemoveExtraSpaces;
        }
        foreach (var c in rest)
            text.Append(c == TextUtilities.SpaceSymbol ? ' ' : c);
    }

    /// <summary>Ends the run.</summary>
    public void Finish() => FlushBytes();

    // each character that the bytes form is written; each byte that belongs to none becomes one U+FFFD
    private void FlushBytes()
    {
        if (_bytes.Count == 0)
            return;
        var rest = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes);
        Span<char> units = stackalloc char[2];
        while (rest.Length > 0)
        {
            var valid = Rune.DecodeFromUtf8(rest, out var rune, out var consumed) == System.Buffers.OperationStatus.Done;
            text.Append(units[..rune.EncodeToUtf16(units)]);
            rest = rest[(valid ? consumed : 1)..];
        }
        _bytes.Clear();
    }
}
