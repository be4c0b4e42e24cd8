namespace LlavaSharp.Imaging;

/// <summary>Tells the format of a picture by its first bytes, holds the limits, and calls the decoder of that format.</summary>
internal static class ImageDecoder
{
    /// <summary>Decodes a picture as it is stored; the header is checked against the limits first.</summary>
    public static RawImage Decode(ReadOnlySpan<byte> encoded, ImageLoadOptions? options, string? source)
    {
        options ??= ImageLoadOptions.Default;
        if (encoded.Length > options.MaximumBytes)
            throw new ImageException($"{Name(source)} has {encoded.Length} bytes, more than the limit of {options.MaximumBytes}. Raise MaximumBytes if it is wanted.", source);
        var limits = new DecodeLimits(options.MaximumPixels, source);
        if (encoded.StartsWith(PngDecoder.Signature))
            return PngDecoder.Decode(encoded, limits);
        if (encoded.StartsWith("GIF87a"u8) || encoded.StartsWith("GIF89a"u8))
            return GifDecoder.Decode(encoded, limits);
        if (encoded.StartsWith("BM"u8))
            return BmpDecoder.Decode(encoded, limits);
        if (encoded.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) || (encoded.Length >= 12 && encoded.StartsWith("RIFF"u8) && encoded[8..12].SequenceEqual("WEBP"u8)))
            return SkiaDecoder.Decode(encoded, limits);
        throw new ImageException(encoded.IsEmpty
            ? $"{Name(source)} is empty, so it is no picture."
            : $"{Name(source)} is no picture that can be read: it begins with {Convert.ToHexString(encoded[..Math.Min(8, encoded.Length)])}. Readable are PNG, JPEG, WebP, GIF and BMP.", source);
    }

    internal static string Name(string? source) => source is null ? "The picture" : $"The picture '{source}'";
}

/// <summary>The limit on pixels, and the words for what is wrong with a file.</summary>
internal readonly record struct DecodeLimits(long MaximumPixels, string? Source)
{
    /// <summary>The number of pixels, if a picture of this size may be decoded.</summary>
    public int CheckSize(long width, long height)
    {
        if (width <= 0 || height <= 0)
            throw Broken($"it claims {width}x{height} pixels");
        // Eight bytes a pixel (RGBA of 16 bits) must fit into one array.
        var most = Math.Min(MaximumPixels, Array.MaxLength / 8);
        if (height > most / width)
            throw new ImageException($"{ImageDecoder.Name(Source)} claims {width}x{height} pixels, more than the limit of {most}. Make it smaller, or raise ImageLoadOptions.MaximumPixels.", Source);
        return (int)(width * height);
    }

    public ImageException Truncated(string where) => new($"{ImageDecoder.Name(Source)} is truncated: {where}.", Source);

    public ImageException Broken(string what, Exception? inner = null) => new($"{ImageDecoder.Name(Source)} is broken: {what}.", Source, inner);

    public ImageException Unsupported(string what) => new($"{ImageDecoder.Name(Source)} cannot be read: {what} is not supported. Convert it to PNG.", Source);
}
