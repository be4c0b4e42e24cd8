using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace LlavaSharp.Imaging;

/// <summary>What the vision tower is given for one picture.</summary>
/// <param name="Data">The normalised values, [Tiles, 3, Height, Width] row by row.</param>
/// <param name="Tiles">The number of views: 1, or the base view and the tiles of any-resolution.</param>
/// <param name="Height">The rows of a view.</param>
/// <param name="Width">The columns of a view.</param>
/// <param name="OriginalSize">The picture's size before anything was done to it; the merge of tile features needs it.</param>
/// <param name="HasTileAxis">Whether the original's tensor has the tile axis: [T, 3, H, W] instead of [3, H, W].</param>
public sealed record PixelValues(float[] Data, int Tiles, int Height, int Width, (int Width, int Height) OriginalSize, bool HasTileAxis)
{
    /// <summary>The shape of the original's tensor: [T, 3, H, W] or [3, H, W].</summary>
    public IReadOnlyList<int> Shape => HasTileAxis ? [Tiles, 3, Height, Width] : [3, Height, Width];

    /// <summary>A hash of everything that decides the picture's features: values, shape and original size.</summary>
    public UInt128 ContentHash()
    {
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes((ReadOnlySpan<int>)[Tiles, Height, Width, OriginalSize.Width, OriginalSize.Height, HasTileAxis ? 1 : 0]));
        hash.Append(MemoryMarshal.AsBytes(Data.AsSpan()));
        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>Whether all pictures have the same shape, so that the original stacks them into one tensor.</summary>
    public static bool CanStack(IReadOnlyList<PixelValues> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.All(value => value.Shape.SequenceEqual(values[0].Shape));
    }
}
