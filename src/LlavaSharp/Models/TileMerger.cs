using LlavaSharp.Checkpoints;
using LlavaSharp.Imaging;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>How the tiles of an any-resolution picture become one run of features (LLaVA v1.6; <c>mm_patch_merge_type</c>).</summary>
internal static class TileMerger
{
    /// <summary>Whether the type keeps the tiles' places (spatial), and whether it cuts off padding and ends each row with a newline vector (unpad).</summary>
    /// <exception cref="UnknownNameException">No such merge type.</exception>
    public static (bool Spatial, bool Unpad) Kind(string type)
    {
        if (type == "flat")
            return (false, false);
        if (type.StartsWith("spatial", StringComparison.Ordinal))
            return (true, type.Contains("unpad", StringComparison.Ordinal));
        throw new UnknownNameException("mm_patch_merge_type", type, ["flat", "spatial", "spatial_unpad"]);
    }

    /// <summary>tiles [T, P, C], the base view first, to [features, C].</summary>
    public static Tensor Merge(Tensor tiles, LlavaConfig config, int side, PixelValues picture, Tensor? newline)
    {
        var (spatial, unpad) = Kind(config.MmPatchMergeType);
        if (!spatial)
            return tiles.flatten(0, 1);                                                            // [T * P, C]
        using var scope = NewDisposeScope();
        var width = tiles.shape[2];
        var basis = tiles[0];                                                                      // [P, C]
        if (picture.Tiles == 1)
            return (unpad ? cat([basis, newline!.unsqueeze(0).to(basis.dtype)], 0) : basis.alias()).MoveToOuterDisposeScope();
        RequireGrid(config, tiles.shape[1], side);
        var (columns, rows) = Grid(config, picture);
        var map = tiles.narrow(0, 1, picture.Tiles - 1).view(rows, columns, side, side, width);    // [rows, columns, n, n, C]
        map = map.permute(0, 2, 1, 3, 4).reshape(rows * side, columns * side, width);              // [rows n, columns n, C]
        if (unpad)
        {
            var kept = AnyResolution.Unpad(rows * side, columns * side, picture.OriginalSize);
            map = map.narrow(0, kept.FirstRow, kept.Rows).narrow(1, kept.FirstColumn, kept.Columns);
            map = cat([map, newline!.to(map.dtype).expand(kept.Rows, 1, width)], 1);               // [kept rows, kept columns + 1, C]
        }
        return cat([basis, map.flatten(0, 1)], 0).MoveToOuterDisposeScope();                       // [features, C]
    }

    /// <summary>The number of features that <see cref="Merge"/> yields.</summary>
    public static int Count(LlavaConfig config, int side, int featuresPerTile, PixelValues picture)
    {
        var (spatial, unpad) = Kind(config.MmPatchMergeType);
        if (!spatial)
            return picture.Tiles * featuresPerTile;
        if (picture.Tiles == 1)
            return featuresPerTile + (unpad ? 1 : 0);
        RequireGrid(config, featuresPerTile, side);
        var (columns, rows) = Grid(config, picture);
        if (!unpad)
            return featuresPerTile + rows * columns * side * side;
        var kept = AnyResolution.Unpad(rows * side, columns * side, picture.OriginalSize);
        return featuresPerTile + kept.Rows * (kept.Columns + 1);
    }

    private static (int Columns, int Rows) Grid(LlavaConfig config, PixelValues picture)
    {
        if (config.ImageAspectRatio != "anyres")
            throw new LlavaException($"mm_patch_merge_type '{config.MmPatchMergeType}' needs image_aspect_ratio 'anyres', not '{config.ImageAspectRatio}'. Correct config.json.");
        return AnyResolution.GridShape(picture.OriginalSize, config.ImageGridPinpoints ?? [], picture.Width);
    }

    private static void RequireGrid(LlavaConfig config, long features, int side)
    {
        if (features != (long)side * side)
            throw new LlavaException($"mm_patch_merge_type '{config.MmPatchMergeType}' needs {side} x {side} features a tile, but there are {features}: it goes with mm_vision_select_feature 'patch' only. Correct config.json.");
    }
}
