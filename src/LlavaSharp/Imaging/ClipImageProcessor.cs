using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.IO;

namespace LlavaSharp.Imaging;

/// <summary>
/// The picture processor of a CLIP vision tower: resize the shorter side, crop the centre, rescale, normalise. Bit for bit what
/// transformers 4.37.2 computes, but that pictures of height 1 or 3 are not misread as channels-first.
/// </summary>
public sealed class ClipImageProcessor
{
    private const int LargestSide = 16384;
    internal const string FileName = "preprocessor_config.json";

    private readonly Lazy<float[][]> _values;

    /// <summary>A processor of CLIP's constants whose crop is a square of the shorter side (336 for CLIP ViT-L/14-336).</summary>
    public ClipImageProcessor(int side)
        : this(side, side, side, DefaultMean, DefaultStd)
    {
    }

    /// <summary>A processor of the given sizes, mean and standard deviation (three values each, of pixels in 0..1).</summary>
    /// <exception cref="ImageException">A size is not in 1..16384, or there are not three means and deviations.</exception>
    public ClipImageProcessor(int shortestEdge, int cropWidth, int cropHeight, IReadOnlyList<double> imageMean, IReadOnlyList<double> imageStd)
    {
        ArgumentNullException.ThrowIfNull(imageMean);
        ArgumentNullException.ThrowIfNull(imageStd);
        foreach (var size in (int[])[shortestEdge, cropWidth, cropHeight])
            if (size is < 1 or > LargestSide)
                throw new ImageException($"An image processor cannot have a side of {size}: it must be between 1 and {LargestSide}.");
        if (imageMean.Count != 3 || imageStd.Count != 3)
            throw new ImageException($"An image processor needs three means and three deviations, not {imageMean.Count} and {imageStd.Count}.");
        (ShortestEdge, CropWidth, CropHeight) = (shortestEdge, cropWidth, cropHeight);
        (ImageMean, ImageStd) = ([.. imageMean], [.. imageStd]);
        _values = new Lazy<float[][]>(TabulateValues);
    }

    /// <summary>The means of CLIP's training pictures.</summary>
    public static IReadOnlyList<double> DefaultMean { get; } = [0.48145466, 0.4578275, 0.40821073];

    /// <summary>The standard deviations of CLIP's training pictures.</summary>
    public static IReadOnlyList<double> DefaultStd { get; } = [0.26862954, 0.26130258, 0.27577711];

    /// <summary>What the shorter side is resized to.</summary>
    public int ShortestEdge { get; }

    /// <summary>The columns of the crop.</summary>
    public int CropWidth { get; }

    /// <summary>The rows of the crop.</summary>
    public int CropHeight { get; }

    /// <summary>The mean of each channel.</summary>
    public IReadOnlyList<double> ImageMean { get; }

    /// <summary>The standard deviation of each channel.</summary>
    public IReadOnlyList<double> ImageStd { get; }

    /// <summary>Whether pictures are resized; true by default.</summary>
    public bool DoResize { get; init; } = true;

    /// <summary>Whether the centre is cropped; true by default.</summary>
    public bool DoCenterCrop { get; init; } = true;

    /// <summary>Whether bytes are multiplied by <see cref="RescaleFactor"/>; true by default.</summary>
    public bool DoRescale { get; init; } = true;

    /// <summary>Whether the mean is subtracted and the result divided by the deviation; true by default.</summary>
    public bool DoNormalize { get; init; } = true;

    /// <summary>Whether the file asks for pictures padded to a square first (<c>do_pad</c> of <c>LlavaImageProcessor</c>, Hugging Face's name for <c>pad</c>); false by default.</summary>
    public bool PadsToSquare { get; init; }

    /// <summary>1/255 by default.</summary>
    public double RescaleFactor { get; init; } = 1.0 / 255;

    /// <summary>The colour that fills the square of <c>pad</c>: the mean in 0..255, truncated (122, 116, 104 for CLIP).</summary>
    public (byte R, byte G, byte B) PadColour => (ToByte(ImageMean[0]), ToByte(ImageMean[1]), ToByte(ImageMean[2]));

    /// <summary>Writes <c>preprocessor_config.json</c>, as <see cref="Load"/> and the original's library read it.</summary>
    /// <param name="folder">The tower's folder.</param>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public void Save(string folder) => AtomicFile.WriteJson(Path.Combine(folder, FileName), new JsonObject
    {
        ["crop_size"] = new JsonObject { ["height"] = CropHeight, ["width"] = CropWidth },
        ["do_center_crop"] = DoCenterCrop,
        ["do_convert_rgb"] = true,
        ["do_normalize"] = DoNormalize,
        ["do_rescale"] = DoRescale,
        ["do_resize"] = DoResize,
        ["image_mean"] = new JsonArray([.. ImageMean.Select(v => (JsonNode)v)]),
        ["image_processor_type"] = "CLIPImageProcessor",
        ["image_std"] = new JsonArray([.. ImageStd.Select(v => (JsonNode)v)]),
        ["resample"] = 3,
        ["rescale_factor"] = RescaleFactor,
        ["size"] = new JsonObject { ["shortest_edge"] = ShortestEdge },
    });

    /// <summary>Reads <c>preprocessor_config.json</c> of a folder; keys that are missing take CLIP's defaults (224).</summary>
    /// <exception cref="CheckpointException">The file is missing, is no JSON, or asks for what is not supported.</exception>
    public static ClipImageProcessor Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var path = Path.Combine(folder, FileName);
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return new PreprocessorConfig(document.RootElement, path).Build();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"'{path}' cannot be read: {exception.Message} Every vision tower has this file.", path, null, exception);
        }
        catch (Exception exception) when (exception is JsonException or ImageException)
        {
            throw new CheckpointException($"'{path}' is broken: {exception.Message}", path, null, exception);
        }
    }

    /// <summary>The pixel values of one picture, [3, CropHeight, CropWidth].</summary>
    /// <exception cref="ImageException">The picture is too long and thin for memory.</exception>
    public PixelValues Preprocess(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Preprocess(new PaddedPixels(image.Rgb, image.Width, image.Height, 3), image.Size);
    }

    internal PixelValues Preprocess(in PaddedPixels source, (int Width, int Height) originalSize)
    {
        var (width, height) = ViewSize(source.CanvasWidth, source.CanvasHeight);
        var data = GC.AllocateUninitializedArray<float>(3 * width * height);
        Fill(source, data);
        return new PixelValues(data, 1, height, width, originalSize, HasTileAxis: false);
    }

    /// <summary>The size of the view that a picture of this size gives.</summary>
    internal (int Width, int Height) ViewSize(int width, int height)
    {
        var (resizedWidth, resizedHeight) = ResizedSize(width, height);
        var (w, h) = DoCenterCrop
            ? (ImageGeometry.CenterCrop(resizedWidth, CropWidth).Length, ImageGeometry.CenterCrop(resizedHeight, CropHeight).Length)
            : (resizedWidth, resizedHeight);
        return 3 * h <= Array.MaxLength / w
            ? ((int)w, (int)h)
            : throw new ImageException($"A picture of {width}x{height} pixels is too long and thin: its view of {w}x{h} does not fit into memory.");
    }

    /// <summary>Computes a view into <paramref name="target"/>, [3, H, W].</summary>
    internal void Fill(in PaddedPixels source, Span<float> target)
    {
        var view = ArrayPool<byte>.Shared.Rent(target.Length);
        RenderView(source, view.AsSpan(0, target.Length));
        var pixels = target.Length / 3;
        for (var channel = 0; channel < 3; channel++)
        {
            var values = _values.Value[channel];
            var plane = target.Slice(channel * pixels, pixels);
            for (int i = 0, from = channel; i < plane.Length; i++, from += 3)
                plane[i] = values[view[from]];
        }
        ArrayPool<byte>.Shared.Return(view);
    }

    /// <summary>The view before it is rescaled: interleaved RGB, [H, W, 3].</summary>
    internal void RenderView(in PaddedPixels source, Span<byte> view)
    {
        var (width, height) = ViewSize(source.CanvasWidth, source.CanvasHeight);
        var (resizedWidth, resizedHeight) = ResizedSize(source.CanvasWidth, source.CanvasHeight);
        var startX = DoCenterCrop ? ImageGeometry.CenterCrop(resizedWidth, CropWidth).Start : 0;
        var startY = DoCenterCrop ? ImageGeometry.CenterCrop(resizedHeight, CropHeight).Start : 0;
        // Where the picture is smaller than the crop, zeros stand around it.
        int left = (int)Math.Max(-startX, 0), top = (int)Math.Max(-startY, 0);
        if (left > 0 || top > 0)
            view.Clear();
        var window = new ResizeWindow(resizedWidth, resizedHeight, Math.Max(startX, 0), Math.Max(startY, 0),
            (int)Math.Min(resizedWidth, width), (int)Math.Min(resizedHeight, height));
        PillowResize.Resample(source, window, view[(3 * (top * width + left))..], 3 * width);
    }

    private static byte ToByte(double mean) => (byte)Math.Clamp((int)(mean * 255), 0, 255);

    private (long Width, long Height) ResizedSize(int width, int height) =>
        DoResize ? ImageGeometry.ShortestEdgeSize(width, height, ShortestEdge) : (width, height);

    // One double product, one float32 subtraction and one float32 division for each of the 256 bytes.
    private float[][] TabulateValues()
    {
        var tables = new float[3][];
        for (var channel = 0; channel < 3; channel++)
        {
            float mean = (float)ImageMean[channel], std = (float)ImageStd[channel];
            tables[channel] = new float[256];
            for (var value = 0; value < 256; value++)
            {
                var scaled = DoRescale ? (float)(value * RescaleFactor) : value;
                tables[channel][value] = DoNormalize ? (scaled - mean) / std : scaled;
            }
        }
        return tables;
    }
}
