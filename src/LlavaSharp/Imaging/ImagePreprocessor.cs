namespace LlavaSharp.Imaging;

/// <summary>The one way from pictures to pixel values, for inference, serving, training and evaluation alike.</summary>
public static class ImagePreprocessor
{
    /// <summary>The <c>image_aspect_ratio</c> that pads to a square.</summary>
    public const string Pad = "pad";

    /// <summary>The <c>image_aspect_ratio</c> of LLaVA-1.6: a base view and tiles.</summary>
    public const string AnyRes = "anyres";

    /// <summary>
    /// Pixel values of each picture. <paramref name="imageAspectRatio"/> is the config's: <c>pad</c>, <c>anyres</c> (which needs
    /// <paramref name="gridPinpoints"/>), and anything else or null for the plain processor.
    /// </summary>
    /// <exception cref="ImageException">A picture does not fit into memory, or <c>anyres</c> has no pinpoints.</exception>
    public static IReadOnlyList<PixelValues> Process(
        IReadOnlyList<Image> images,
        ClipImageProcessor processor,
        string? imageAspectRatio,
        IReadOnlyList<(int Width, int Height)>? gridPinpoints = null,
        CompatibilityOptions? compatibility = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(processor);
        return [.. Read(images, processor, imageAspectRatio, compatibility).Zip(images, (read, original) => read.AspectRatio switch
        {
            Pad => processor.Preprocess(Padded(read.Image, processor), original.Size),
            AnyRes => ProcessAnyResolution(read.Image, processor, Needed(gridPinpoints)),
            _ => processor.Preprocess(Whole(read.Image), original.Size),
        })];
    }

    /// <summary>The views of each picture before rescaling: interleaved RGB.</summary>
    internal static IReadOnlyList<IReadOnlyList<byte[]>> RenderViews(
        IReadOnlyList<Image> images,
        ClipImageProcessor processor,
        string? imageAspectRatio,
        IReadOnlyList<(int Width, int Height)>? gridPinpoints = null,
        CompatibilityOptions? compatibility = null) =>
        [.. Read(images, processor, imageAspectRatio, compatibility).Select(IReadOnlyList<byte[]> (read) => read.AspectRatio switch
        {
            Pad => [Render(Padded(read.Image, processor), processor)],
            AnyRes => [.. Views(read.Image, processor, Needed(gridPinpoints)).Select(view => Render(Whole(view), processor))],
            _ => [Render(Whole(read.Image), processor)],
        })];

    // As they are, or as the original misreads them (Q45). Padded pictures reach its processor one by one, plain ones together, views never with such a height.
    private static IReadOnlyList<(Image Image, string? AspectRatio)> Read(
        IReadOnlyList<Image> images, ClipImageProcessor processor, string? aspectRatio, CompatibilityOptions? compatibility)
    {
        if (compatibility is not { ProcessorGuessesChannelOrder: true } || aspectRatio == AnyRes)
            return [.. images.Select(image => (image, aspectRatio))];
        if (aspectRatio != Pad)
            return [.. ChannelOrderGuess.Misread(images).Select(image => (image, aspectRatio))];
        return [.. images.Select(image => ChannelOrderGuess.IsMisread(Math.Max(image.Width, image.Height))
            ? (ChannelOrderGuess.Misread([ImageGeometry.ExpandToSquare(image, processor.PadColour)])[0], null)
            : (image, aspectRatio))];
    }

    private static IReadOnlyList<(int Width, int Height)> Needed(IReadOnlyList<(int Width, int Height)>? gridPinpoints) =>
        gridPinpoints ?? throw new ImageException("image_aspect_ratio 'anyres' needs image_grid_pinpoints in the config.");

    private static PixelValues ProcessAnyResolution(Image image, ClipImageProcessor processor, IReadOnlyList<(int Width, int Height)> pinpoints)
    {
        var views = Views(image, processor, pinpoints);
        var (width, height) = processor.ViewSize(views[0].Width, views[0].Height);
        foreach (var view in views)
            if (processor.ViewSize(view.Width, view.Height) != (width, height))
                throw new ImageException($"A tile of {view.Width} pixels and a base view of {views[0].Width} cannot be stacked: the processor neither resizes nor crops them to one size.");
        var size = 3 * width * height;
        if ((long)views.Count * size > Array.MaxLength)
            throw new ImageException($"{views.Count} views of {width}x{height} do not fit into memory: use smaller grid pinpoints.");
        var data = GC.AllocateUninitializedArray<float>(views.Count * size); // [T, 3, H, W]
        for (var i = 0; i < views.Count; i++)
            processor.Fill(Whole(views[i]), data.AsSpan(i * size, size));
        return new PixelValues(data, views.Count, height, width, image.Size, HasTileAxis: true);
    }

    // First the whole picture, squeezed to a square; then the tiles of its best resolution.
    private static List<Image> Views(Image image, ClipImageProcessor processor, IReadOnlyList<(int Width, int Height)> pinpoints)
    {
        var canvas = AnyResolution.ResizeAndPad(image, AnyResolution.SelectBest(image.Size, pinpoints));
        return [PillowResize.Resize(image, processor.ShortestEdge, processor.ShortestEdge), .. AnyResolution.DivideToTiles(canvas, processor.CropHeight)];
    }

    private static PaddedPixels Whole(Image image) => new(image.Rgb, image.Width, image.Height, 3);

    // The square is never built: the processor resizes the picture as if it lay on one.
    private static PaddedPixels Padded(Image image, ClipImageProcessor processor)
    {
        var (side, left, top) = ImageGeometry.SquareAround(image.Width, image.Height);
        return new PaddedPixels(image.Rgb, image.Width, image.Height, 3)
        {
            Left = left,
            Top = top,
            CanvasWidth = side,
            CanvasHeight = side,
            Fill = processor.PadColour,
        };
    }

    private static byte[] Render(in PaddedPixels source, ClipImageProcessor processor)
    {
        var (width, height) = processor.ViewSize(source.CanvasWidth, source.CanvasHeight);
        var view = new byte[3 * width * height];
        processor.RenderView(source, view);
        return view;
    }
}
