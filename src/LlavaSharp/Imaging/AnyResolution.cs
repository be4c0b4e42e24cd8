using System.Text.Json;

namespace LlavaSharp.Imaging;

/// <summary>LLaVA-1.6's any-resolution arithmetic: which canvas a picture gets, its tiles, and which part of their feature map is kept.</summary>
public static class AnyResolution
{
    /// <summary>
    /// The candidate with the largest effective area, then the least waste, then the first. Double arithmetic with truncation, as in the original;
    /// when every area is 0 the smallest candidate wins.
    /// </summary>
    /// <exception cref="ImageException">There is no candidate, or a side is not positive.</exception>
    public static (int Width, int Height) SelectBest((int Width, int Height) size, IReadOnlyList<(int Width, int Height)> candidates)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        CheckSize(size);
        (int Width, int Height)? best = null;
        long bestArea = 0, leastWaste = long.MaxValue;
        foreach (var candidate in candidates)
        {
            if (candidate.Width <= 0 || candidate.Height <= 0)
                throw new ImageException($"A grid pinpoint of {candidate.Width}x{candidate.Height} cannot be: both sides must be at least 1.");
            var scale = Math.Min((double)candidate.Width / size.Width, (double)candidate.Height / size.Height);
            var area = Math.Min((long)(size.Width * scale) * (long)(size.Height * scale), (long)size.Width * size.Height);
            var waste = (long)candidate.Width * candidate.Height - area;
            if (area > bestArea || (area == bestArea && waste < leastWaste))
                (best, bestArea, leastWaste) = (candidate, area, waste);
        }
        return best ?? throw new ImageException("There are no grid pinpoints, so no resolution can be selected.");
    }

    /// <summary>The size of the picture inside a canvas, its aspect ratio kept, and where it is pasted (the middle, rounded down).</summary>
    public static (int Width, int Height, int Left, int Top) FitInside((int Width, int Height) size, (int Width, int Height) canvas)
    {
        CheckSize(size);
        double scaleWidth = (double)canvas.Width / size.Width, scaleHeight = (double)canvas.Height / size.Height;
        var (width, height) = scaleWidth < scaleHeight
            ? (canvas.Width, (int)Math.Min(Math.Ceiling(size.Height * scaleWidth), canvas.Height))
            : ((int)Math.Min(Math.Ceiling(size.Width * scaleHeight), canvas.Width), canvas.Height);
        return (width, height, (canvas.Width - width) / 2, (canvas.Height - height) / 2);
    }

    /// <summary>The picture resized into a black canvas.</summary>
    /// <exception cref="ImageException">The canvas does not fit into memory.</exception>
    public static Image ResizeAndPad(Image image, (int Width, int Height) canvas)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (3L * canvas.Width * canvas.Height > Array.MaxLength)
            throw new ImageException($"A canvas of {canvas.Width}x{canvas.Height} pixels does not fit into memory.");
        var (width, height, left, top) = FitInside(image.Size, canvas);
        var pixels = new byte[3 * canvas.Width * canvas.Height];
        PillowResize.Resample(new PaddedPixels(image.Rgb, image.Width, image.Height, 3), new ResizeWindow(width, height, 0, 0, width, height),
            pixels.AsSpan(3 * (top * canvas.Width + left)), 3 * canvas.Width);
        return Image.FromRgb(canvas.Width, canvas.Height, pixels);
    }

    /// <summary>Tiles of a side, row by row from the top left; what lies beyond the border is black.</summary>
    public static IReadOnlyList<Image> DivideToTiles(Image image, int side)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        var tiles = new List<Image>(CountTiles(image.Size, side));
        for (var top = 0; top < image.Height; top += side)
            for (var left = 0; left < image.Width; left += side)
            {
                var pixels = new byte[3 * side * side];
                var columns = Math.Min(side, image.Width - left);
                for (var y = 0; y < Math.Min(side, image.Height - top); y++)
                    image.Rgb.Slice(3 * ((top + y) * image.Width + left), 3 * columns).CopyTo(pixels.AsSpan(3 * y * side));
                tiles.Add(Image.FromRgb(side, side, pixels));
            }
        return tiles;
    }

    /// <summary>How many tiles of a side cover a canvas, those that reach beyond its border included.</summary>
    public static int CountTiles((int Width, int Height) canvas, int side)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        return (int)((((long)canvas.Width + side - 1) / side) * (((long)canvas.Height + side - 1) / side));
    }

    /// <summary>How many columns and rows of tiles the model rearranges the features into: the best resolution divided by the tile's side, rounded down.</summary>
    public static (int Columns, int Rows) GridShape((int Width, int Height) size, IReadOnlyList<(int Width, int Height)> pinpoints, int tileSide)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tileSide, 1);
        var best = SelectBest(size, pinpoints);
        return (best.Width / tileSide, best.Height / tileSide);
    }

    /// <summary>
    /// The part of the tiles' feature map that shows the picture and not its padding. Very thin pictures may keep 0 rows or columns;
    /// an odd padding keeps one line more than the picture has.
    /// </summary>
    public static (int FirstRow, int Rows, int FirstColumn, int Columns) Unpad(int mapRows, int mapColumns, (int Width, int Height) size)
    {
        CheckSize(size);
        if ((double)size.Width / size.Height > (double)mapColumns / mapRows)
        {
            var factor = (double)mapColumns / size.Width;
            var padding = (mapRows - (int)(size.Height * factor)) / 2;
            return (padding, mapRows - 2 * padding, 0, mapColumns);
        }
        else
        {
            var factor = (double)mapRows / size.Height;
            var padding = (mapColumns - (int)(size.Width * factor)) / 2;
            return (0, mapRows, padding, mapColumns - 2 * padding);
        }
    }

    /// <summary>The number of image tokens of patch merge <c>spatial_unpad</c>: the base view, then the kept map with one newline vector a row.</summary>
    public static int CountTokens((int Width, int Height) size, IReadOnlyList<(int Width, int Height)> pinpoints, int tileSide, int patchesPerSide)
    {
        var (columns, rows) = GridShape(size, pinpoints, tileSide);
        var kept = Unpad(rows * patchesPerSide, columns * patchesPerSide, size);
        return patchesPerSide * patchesPerSide + kept.Rows * (kept.Columns + 1);
    }

    /// <summary>Reads <c>image_grid_pinpoints</c> of a config: a list of [width, height], or a string that holds one in Python's notation.</summary>
    /// <exception cref="ImageException">It is neither.</exception>
    public static IReadOnlyList<(int Width, int Height)> ParsePinpoints(JsonElement value) =>
        GridPinpoints.Parse(value) ?? throw NoPinpoints(value.GetRawText());

    /// <summary>Reads pinpoints from text such as <c>[(336, 672), (672, 336)]</c>; brackets may be round or square.</summary>
    /// <exception cref="ImageException">The text holds no such list.</exception>
    public static IReadOnlyList<(int Width, int Height)> ParsePinpoints(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return GridPinpoints.Parse(text) ?? throw NoPinpoints(text);
    }

    private static ImageException NoPinpoints(string text) =>
        new($"'{(text.Length > 80 ? text[..80] + "..." : text)}' is no list of grid pinpoints such as [[336, 672], [672, 336]].");

    private static void CheckSize((int Width, int Height) size)
    {
        if (size.Width <= 0 || size.Height <= 0)
            throw new ImageException($"A picture of {size.Width}x{size.Height} pixels cannot be: both sides must be at least 1.");
    }
}
