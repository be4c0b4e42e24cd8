using LlavaSharp.Models;
using LlavaSharp.Prompts;

namespace LlavaSharp.Generation;

/// <summary>What stands at one position of a sequence: a token, or a feature of a picture. Two sequences whose keys agree from the first position on have the same keys and values there.</summary>
/// <param name="Id">The token's id; -200 for a picture.</param>
/// <param name="Picture">The content hash of the picture that the position belongs to; 0 for a token.</param>
internal readonly record struct PositionKey(int Id, UInt128 Picture)
{
    /// <summary>A token.</summary>
    public PositionKey(int id)
        : this(id, UInt128.Zero)
    {
    }

    /// <summary>The keys of a merged row.</summary>
    /// <param name="row">What stands where.</param>
    /// <param name="pictures">The content hash of each picture of the batch, in order.</param>
    /// <exception cref="ArgumentException">The row has a picture without a hash.</exception>
    public static PositionKey[] Of(MergePlan.Row row, IReadOnlyList<UInt128> pictures)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(pictures);
        var keys = new List<PositionKey>(row.Length);
        foreach (var segment in row.Segments)
        {
            if (segment.Image < 0)
            {
                foreach (var id in row.Ids.AsSpan(segment.Start, segment.Count))
                    keys.Add(new(id));
                continue;
            }
            if (segment.Image >= pictures.Count)
                throw new ArgumentException($"The row shows picture {segment.Image}; there are hashes of {pictures.Count}.", nameof(pictures));
            keys.AddRange(Enumerable.Repeat(new PositionKey(LlavaConstants.ImageTokenIndex, pictures[segment.Image]), segment.Count));
        }
        return [.. keys.Take(row.Length)];
    }
}
