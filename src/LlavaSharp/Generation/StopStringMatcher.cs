namespace LlavaSharp.Generation;

/// <summary>
/// Finds stop strings in text that arrives in pieces, and holds back what may become one. The result depends on the text alone, not on how
/// it was cut: the stop string that is complete first wins, among several that end together the longest.
/// </summary>
/// <remarks>Not safe for concurrent use.</remarks>
public sealed class StopStringMatcher
{
    private readonly string[] _stops;
    private readonly int _longest;
    private string _held = "";

    /// <summary>Creates the matcher; without stop strings everything passes at once.</summary>
    /// <exception cref="GenerationException">A stop string is empty.</exception>
    public StopStringMatcher(IEnumerable<string> stopStrings)
    {
        ArgumentNullException.ThrowIfNull(stopStrings);
        _stops = [.. stopStrings];
        foreach (var stop in _stops)
        {
            if (string.IsNullOrEmpty(stop))
                throw new GenerationException("A stop string is empty. Leave it out, or give a text.");
            _longest = Math.Max(_longest, stop.Length);
        }
    }

    /// <summary>The stop string that was found, or null.</summary>
    public string? Matched { get; private set; }

    /// <summary>Whether a stop string was found: what follows it never comes out.</summary>
    public bool IsStopped => Matched is not null;

    /// <summary>Takes the next piece and returns the text that may be shown now; empty when all of it is held back or the text has ended.</summary>
    public string Push(string piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        if (IsStopped)
            return "";
        var text = _held + piece;
        int end = int.MaxValue, start = text.Length;
        foreach (var stop in _stops)
        {
            var at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (at + stop.Length < end || (at + stop.Length == end && at < start)))
                (end, start, Matched) = (at + stop.Length, at, stop);
        }
        if (!IsStopped)
            start = text.Length - LengthToHold(text);
        _held = IsStopped ? "" : text[start..];
        return text[..start];
    }

    /// <summary>Ends the text: returns what was held back.</summary>
    public string Finish()
    {
        var rest = _held;
        _held = "";
        return rest;
    }

    private int LengthToHold(string text)
    {
        for (var length = Math.Min(_longest - 1, text.Length); length > 0; length--)
            foreach (var stop in _stops)
                if (length < stop.Length && stop.AsSpan().StartsWith(text.AsSpan(text.Length - length), StringComparison.Ordinal))
                    return length;
        return 0;
    }
}
