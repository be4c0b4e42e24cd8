using System.Text.Json;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Imaging;

/// <summary>The keys of <c>preprocessor_config.json</c> that a CLIP processor knows.</summary>
internal sealed class PreprocessorConfig(JsonElement root, string path)
{
    private const int DefaultSide = 224;
    private const int Bicubic = 3;

    public ClipImageProcessor Build()
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Wrong("it holds no object");
        if (Find("resample") is { } resample && !(resample.ValueKind == JsonValueKind.Number && resample.TryGetInt32(out var filter) && filter == Bicubic))
            throw Wrong($"resample {resample.GetRawText()} is not supported, only {Bicubic} (bicubic)");
        var (cropWidth, cropHeight) = ReadCrop();
        return new ClipImageProcessor(ReadShortestEdge(), cropWidth, cropHeight,
            Numbers("image_mean", ClipImageProcessor.DefaultMean), Numbers("image_std", ClipImageProcessor.DefaultStd))
        {
            DoResize = Flag("do_resize"),
            DoCenterCrop = Flag("do_center_crop"),
            DoRescale = Flag("do_rescale"),
            DoNormalize = Flag("do_normalize"),
            PadsToSquare = PadsToSquare(),
            RescaleFactor = Find("rescale_factor") is not { } factor ? 1.0 / 255
                : factor.ValueKind == JsonValueKind.Number ? factor.GetDouble() : throw Wrong("rescale_factor is no number"),
        };
    }

    // in other processors do_pad means the padding of batches
    private bool PadsToSquare() => Find("image_processor_type") is { ValueKind: JsonValueKind.String } type
        && type.GetString() is "LlavaImageProcessor" or "LlavaImageProcessorFast" && Find("do_pad") is not null && Flag("do_pad");

    private int ReadShortestEdge()
    {
        if (Find("size") is not { } size)
            return DefaultSide;
        if (size.ValueKind == JsonValueKind.Object)
            return size.TryGetProperty("shortest_edge", out var edge) ? Side(edge, "size.shortest_edge") : throw Wrong("size has no shortest_edge");
        return Side(size, "size");
    }

    private (int Width, int Height) ReadCrop()
    {
        if (Find("crop_size") is not { } crop)
            return (DefaultSide, DefaultSide);
        if (crop.ValueKind == JsonValueKind.Object)
            return crop.TryGetProperty("width", out var width) && crop.TryGetProperty("height", out var height)
                ? (Side(width, "crop_size.width"), Side(height, "crop_size.height"))
                : throw Wrong("crop_size has no width and height");
        var side = Side(crop, "crop_size");
        return (side, side);
    }

    private JsonElement? Find(string key) => root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private bool Flag(string key) => Find(key)?.ValueKind switch
    {
        null or JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong($"{key} is neither true nor false"),
    };

    private int Side(JsonElement value, string key) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var side) ? side : throw Wrong($"{key} is no whole number");

    private IReadOnlyList<double> Numbers(string key, IReadOnlyList<double> otherwise)
    {
        if (Find(key) is not { } list)
            return otherwise;
        return list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number)
            ? [.. list.EnumerateArray().Select(item => item.GetDouble())]
            : throw Wrong($"{key} is no list of numbers");
    }

    private CheckpointException Wrong(string what) => new($"'{path}' cannot be used: {what}.", path);
}
