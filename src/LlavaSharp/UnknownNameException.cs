namespace LlavaSharp;

/// <summary>A template, device, data type or other name that is not known; the message lists those that are, and the nearest.</summary>
public sealed class UnknownNameException : LlavaException
{
    private const int MaxLength = 200;

    /// <summary>Creates the error for a <paramref name="given"/> name of a <paramref name="kind"/> (such as "conversation template").</summary>
    public UnknownNameException(string kind, string given, IEnumerable<string> known)
        : this(kind, given, [.. known])
    {
    }

    private UnknownNameException(string kind, string given, string[] known)
        : base(Describe(kind, given, known, FindNearest(given, known)))
    {
        Given = given;
        Known = known;
        Nearest = FindNearest(given, known);
    }

    /// <summary>The name that was given.</summary>
    public string Given { get; }

    /// <summary>The names that are known.</summary>
    public IReadOnlyList<string> Known { get; }

    /// <summary>The known name with the smallest edit distance to <see cref="Given"/>, or null when none is close.</summary>
    public string? Nearest { get; }

    private static string Describe(string kind, string given, string[] known, string? nearest) =>
        $"Unknown {kind} '{(given.Length > MaxLength ? given[..MaxLength] + "..." : given)}'. {(nearest is null ? "" : $"Did you mean '{nearest}'? ")}Known: {string.Join(", ", known)}.";

    private static string? FindNearest(string given, string[] known)
    {
        string? best = null;
        var bestDistance = int.MaxValue;
        // no known name is that long: a distance to it would only cost time
        if (given.Length > MaxLength)
            return null;
        foreach (var name in known)
        {
            var distance = EditDistance(given.ToLowerInvariant(), name.ToLowerInvariant());
            if (distance < bestDistance)
                (best, bestDistance) = (name, distance);
        }
        return bestDistance <= Math.Max(2, given.Length / 2) ? best : null;
    }

    // Damerau's distance: two neighbours that changed places are one edit, as that is how names are mistyped
    private static int EditDistance(string a, string b)
    {
        var (before, above, row) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++)
            row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            (before, above, row) = (above, row, before);
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(Math.Min(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
            }
        }
        return row[b.Length];
    }
}
