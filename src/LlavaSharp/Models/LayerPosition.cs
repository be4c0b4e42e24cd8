using System.Globalization;

namespace LlavaSharp.Models;

/// <summary>Where in the order of a language model a tensor stands, by its name in the original's layout.</summary>
/// <param name="Layer">The layer; null: in none.</param>
/// <param name="IsEnd">Whether it comes behind the layers; what is neither comes before them.</param>
internal readonly record struct LayerPosition(int? Layer, bool IsEnd)
{
    private static readonly string[] Layered = ["model.layers.", "transformer.blocks."];
    private static readonly string[] Ends = ["model.norm", "transformer.norm_f", "lm_head"];

    /// <summary>The position of a tensor, or of a slot, of that name.</summary>
    public static LayerPosition Of(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (var prefix in Layered)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            var number = name.AsSpan(prefix.Length);
            if (number.IndexOf('.') is >= 0 and var dot)
                number = number[..dot];
            if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var layer))
                return new(layer, false);
        }
        return new(null, Ends.Any(end => name == end || name.StartsWith(end + ".", StringComparison.Ordinal)));
    }
}
