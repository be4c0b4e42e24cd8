using System.Globalization;
using System.Text;

namespace LlavaSharp.Cli.Chat;

/// <summary>A line being edited, as a list of what a reader takes for one character each, and where the cursor is among them.</summary>
internal sealed class LineBuffer
{
    private readonly List<string> _elements = [];

    /// <summary>How many characters are left of the cursor.</summary>
    public int Cursor { get; private set; }

    public int Length => _elements.Count;

    public string Text => string.Concat(_elements);

    public void Insert(char c)
    {
        // surrogates and combining marks arrive one by one; they belong to the character before them
        if (Cursor > 0 && new StringInfo(_elements[Cursor - 1] + c).LengthInTextElements == 1 && !char.IsAscii(c))
            _elements[Cursor - 1] += c;
        else
            _elements.Insert(Cursor++, c.ToString());
    }

    public void Replace(string text)
    {
        _elements.Clear();
        var elements = StringInfo.GetTextElementEnumerator(text);
        while (elements.MoveNext())
            _elements.Add(elements.GetTextElement());
        Cursor = _elements.Count;
    }

    public void MoveTo(int position) => Cursor = Math.Clamp(position, 0, _elements.Count);

    public void DeleteLeft()
    {
        if (Cursor > 0)
            _elements.RemoveAt(--Cursor);
    }

    public void DeleteRight()
    {
        if (Cursor < _elements.Count)
            _elements.RemoveAt(Cursor);
    }

    public void DeleteToStart()
    {
        _elements.RemoveRange(0, Cursor);
        Cursor = 0;
    }

    public void DeleteWord()
    {
        while (Cursor > 0 && string.IsNullOrWhiteSpace(_elements[Cursor - 1]))
            DeleteLeft();
        while (Cursor > 0 && !string.IsNullOrWhiteSpace(_elements[Cursor - 1]))
            DeleteLeft();
    }

    /// <summary>The part of the line around the cursor that fits into <paramref name="columns"/>, and the column of the cursor in it.</summary>
    public (string Text, int CursorColumn) Window(int columns)
    {
        int first = Cursor, used = 0;
        while (first > 0 && used + Width(_elements[first - 1]) < columns)
            used += Width(_elements[--first]);
        var column = used;
        var last = Cursor;
        while (last < _elements.Count && used + Width(_elements[last]) < columns)
            used += Width(_elements[last++]);
        return (string.Concat(_elements.GetRange(first, last - first)), column);
    }

    /// <summary>How many columns a character takes: two for East Asian scripts and pictographs.</summary>
    internal static int Width(string element)
    {
        Rune.DecodeFromUtf16(element, out var rune, out _);
        return rune.Value switch
        {
            >= 0x1100 and <= 0x115f or >= 0x2e80 and <= 0xa4cf or >= 0xac00 and <= 0xd7a3 or >= 0xf900 and <= 0xfaff
                or >= 0xfe30 and <= 0xfe6f or >= 0xff00 and <= 0xff60 or >= 0xffe0 and <= 0xffe6 or >= 0x1f300 and <= 0x1faff or >= 0x20000 and <= 0x3fffd => 2,
            _ => 1,
        };
    }
}
