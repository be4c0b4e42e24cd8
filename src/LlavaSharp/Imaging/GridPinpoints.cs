using System.Globalization;
using System.Text.Json;

namespace LlavaSharp.Imaging;

/// <summary>Parses <c>image_grid_pinpoints</c>: a JSON list of pairs, or the text of a Python list of pairs.</summary>
internal static class GridPinpoints
{
    private const int MaxPoints = 4096;
    private const int MaxPixels = 1 << 20; // of one side

    /// <summary>The (width, height) pairs, or null when they are no list of pairs.</summary>
    public static List<(int Width, int Height)>? Parse(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => FromArray(value),
        JsonValueKind.String => Parse(value.GetString()!),
        _ => null,
    };

    /// <summary>The pairs of a text such as <c>[(336, 672), (672, 336)]</c>, or null when it is no list of pairs; brackets may be round or square.</summary>
    public static List<(int Width, int Height)>? Parse(string text)
    {
        var position = 0;
        var points = new List<(int, int)>();
        if (!Open(out var outer))
            return null;
        while (!Close(outer))
        {
            if (points.Count == MaxPoints || !Open(out var inner) || !Side(out var width) || !Is(',') || !Side(out var height))
                return null;
            Is(',');
            if (!Close(inner))
                return null;
            points.Add((width, height));
            if (Is(','))
                continue;
            if (!Close(outer))
                return null;
            break;
        }
        Skip();
        return position == text.Length ? points : null;

        void Skip()
        {
            while (position < text.Length && char.IsWhiteSpace(text[position]))
                position++;
        }

        bool Is(char wanted)
        {
            Skip();
            if (position >= text.Length || text[position] != wanted)
                return false;
            position++;
            return true;
        }

        bool Open(out char close)
        {
            close = ']';
            if (Is('['))
                return true;
            close = ')';
            return Is('(');
        }

        bool Close(char close) => Is(close);

        bool Side(out int side)
        {
            Skip();
            var start = position;
            while (position < text.Length && char.IsAsciiDigit(text[position]))
                position++;
            return int.TryParse(text.AsSpan(start, position - start), NumberStyles.None, CultureInfo.InvariantCulture, out side) && side is > 0 and <= MaxPixels;
        }
    }

    private static List<(int, int)>? FromArray(JsonElement array)
    {
        if (array.GetArrayLength() > MaxPoints)
            return null;
        var points = new List<(int, int)>();
        foreach (var pair in array.EnumerateArray())
        {
            if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2 || !Side(pair[0], out var width) || !Side(pair[1], out var height))
                return null;
            points.Add((width, height));
        }
        return points;

        static bool Side(JsonElement value, out int side)
        {
            side = 0;
            return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out side) && side is > 0 and <= MaxPixels;
        }
    }
}
