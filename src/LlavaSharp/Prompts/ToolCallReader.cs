using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlavaSharp.Prompts;

/// <summary>Tells text and calls of tools apart in an answer, as its pieces come.</summary>
/// <remarks>Not safe for concurrent use. An answer under a constraint has no malformed calls; one that was cut off may end inside of one.</remarks>
public sealed partial class ToolCallReader
{
    private enum Place
    {
        Text,
        Head,
        Arguments,
        Tail,
    }

    private readonly ToolCallFormat _format;
    private readonly List<ToolCall> _calls = [];
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _arguments = new();
    private string _held = "";
    private Place _place;
    private ToolCall? _open;
    private int _depth;
    private bool _inString, _escaped;

    /// <summary>Begins an answer.</summary>
    /// <param name="format">How calls are written; null: the usual marks.</param>
    public ToolCallReader(ToolCallFormat? format = null) => _format = format ?? ToolCallFormat.Default;

    /// <summary>The calls that are whole.</summary>
    public IReadOnlyList<ToolCall> Calls => _calls;

    /// <summary>The text outside of calls, so far.</summary>
    public string Text => _text.ToString().Trim();

    /// <summary>Reads a whole answer.</summary>
    public static (string Text, IReadOnlyList<ToolCall> Calls) Read(string answer, ToolCallFormat? format = null)
    {
        var reader = new ToolCallReader(format);
        reader.Push(answer);
        reader.End();
        return (reader.Text, reader.Calls);
    }

    /// <summary>Takes the next piece.</summary>
    public IReadOnlyList<ToolCallPiece> Push(string piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        _held += piece;
        var pieces = new List<ToolCallPiece>();
        while (Step(pieces))
        {
        }
        return pieces;
    }

    /// <summary>Ends the answer: what was held back because a mark might have begun is text, unless a call stands before it. A call that is not whole is left out.</summary>
    public IReadOnlyList<ToolCallPiece> End()
    {
        var pieces = new List<ToolCallPiece>();
        // behind a call only another one may begin
        if (_place == Place.Text && _calls.Count == 0)
            Say(_held, pieces);
        _held = "";
        return pieces;
    }

    // whether there is more to be read in what is held
    private bool Step(List<ToolCallPiece> pieces)
    {
        switch (_place)
        {
            case Place.Text:
                var mark = _held.IndexOf(_format.Opening, StringComparison.Ordinal);
                var end = mark >= 0 ? mark : _held.Length - Beginning(_held, _format.Opening);
                Say(_held[..end], pieces);
                _held = _held[(mark >= 0 ? mark + _format.Opening.Length : end)..];
                return mark >= 0 && Enter(Place.Head);
            case Place.Head:
                var head = Head().Match(_held);
                if (!head.Success)
                    return false;
                _open = new(ToolCall.NewId(), JsonSerializer.Deserialize<string>($"\"{head.Groups[1].Value}\"")!, "");
                pieces.Add(new() { Index = _calls.Count, Begun = _open });
                _held = _held[head.Length..];
                return Enter(Place.Arguments);
            case Place.Arguments:
                var length = Measure(out var isWhole);
                var part = _held[..length];
                _held = _held[length..];
                _arguments.Append(part);
                var ended = isWhole ? _open! with { Arguments = _arguments.ToString() } : null;
                if (part.Length > 0)
                    pieces.Add(new() { Index = _calls.Count, Arguments = part, Ended = ended });
                if (ended is null)
                    return false;
                _calls.Add(ended);
                return Enter(Place.Tail);
            default:
                var closing = _held.IndexOf(_format.Closing, StringComparison.Ordinal);
                if (closing < 0)
                    return false;
                _held = _held[(closing + _format.Closing.Length)..];
                return Enter(Place.Text);
        }
    }

    private bool Enter(Place place)
    {
        _place = place;
        if (place == Place.Arguments)
        {
            _arguments.Clear();
            (_depth, _inString, _escaped) = (0, false, false);
        }
        return true;
    }

    private void Say(string text, List<ToolCallPiece> pieces)
    {
        // line ends between calls belong to no text
        if (text.Length == 0 || (_calls.Count > 0 && string.IsNullOrWhiteSpace(text)))
            return;
        _text.Append(text);
        pieces.Add(new() { Text = text });
    }

    // how much of what is held belongs to the arguments: up to the bracket that closes them
    private int Measure(out bool isWhole)
    {
        isWhole = false;
        for (var i = 0; i < _held.Length; i++)
        {
            var letter = _held[i];
            if (_escaped)
                _escaped = false;
            else if (_inString)
                (_escaped, _inString) = (letter == '\\', letter != '"');
            else if (letter == '"')
                _inString = true;
            else if (letter is '{' or '[')
                _depth++;
            else if (letter is '}' or ']' && --_depth <= 0)
            {
                isWhole = true;
                return i + 1;
            }
        }
        return _held.Length;
    }

    private static int Beginning(string text, string mark)
    {
        for (var length = Math.Min(mark.Length - 1, text.Length); length > 0; length--)
            if (text.AsSpan(text.Length - length).SequenceEqual(mark.AsSpan(0, length)))
                return length;
        return 0;
    }

    [GeneratedRegex("""\A\s*\{\s*"name"\s*:\s*"([A-Za-z0-9_.-]*)"\s*,\s*"arguments"\s*:\s*(?=\{)""", RegexOptions.CultureInvariant)]
    private static partial Regex Head();
}
