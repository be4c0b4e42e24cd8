using SkiaSharp;

namespace LlavaSharp.Imaging;

/// <summary>JPEG and WebP through Skia, without colour management and without turning the picture as its EXIF data ask.</summary>
internal static class SkiaDecoder
{
    public static unsafe RawImage Decode(ReadOnlySpan<byte> file, DecodeLimits limits)
    {
        fixed (byte* bytes = file)
        {
            using var data = SKData.Create((nint)bytes, file.Length);
            // Only the header is read here.
            using var codec = SKCodec.Create(data) ?? throw limits.Broken("its header cannot be read");
            var (width, height) = (codec.Info.Width, codec.Info.Height);
            var pixels = limits.CheckSize(width, height);
            if (codec.EncodedFormat is not (SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Webp))
                throw limits.Unsupported(codec.EncodedFormat.ToString());

            // Huffman codes take a bit or more for each block of 8x8.
            if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg && pixels / 64 > file.Length * 8L)
                throw limits.Truncated($"{file.Length} bytes cannot hold {width}x{height} pixels");
            if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg && JpegEnd.IsMissing(file))
                throw limits.Truncated("scans are missing at its end");

            var isGray = codec.Info.ColorType == SKColorType.Gray8;
            var hasAlpha = codec.Info.AlphaType != SKAlphaType.Opaque;
            var wanted = new SKImageInfo(width, height, isGray ? SKColorType.Gray8 : SKColorType.Rgba8888, hasAlpha ? SKAlphaType.Unpremul : SKAlphaType.Opaque);
            var decoded = new byte[pixels * (isGray ? 1 : 4)];
            SKCodecResult result;
            fixed (byte* target = decoded)
                result = codec.GetPixels(wanted, (nint)target);
            if (result == SKCodecResult.IncompleteInput)
                throw limits.Truncated("it ends before its pixels do");
            if (result != SKCodecResult.Success)
                throw limits.Broken($"its pixels cannot be decoded ({result})");
            if (isGray)
                return new RawImage(RawMode.Gray, width, height, decoded);
            return hasAlpha
                ? new RawImage(RawMode.Rgba, width, height, decoded)
                : new RawImage(RawMode.Rgb, width, height, DropFourth(decoded));
        }
    }

    public static unsafe byte[] EncodeJpeg(Image image, int quality)
    {
        var pixels = new byte[4 * image.Width * image.Height];
        for (int from = 0, to = 0; from < image.Rgb.Length; from += 3, to += 4)
        {
            image.Rgb.Slice(from, 3).CopyTo(pixels.AsSpan(to));
            pixels[to + 3] = 255;
        }
        fixed (byte* source = pixels)
        {
            using var pixmap = new SKPixmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), (nint)source);
            using var encoded = pixmap.Encode(new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore))
                ?? throw new ImageException($"A picture of {image.Width}x{image.Height} pixels cannot be encoded as JPEG (at most 65500 a side).");
            return encoded.ToArray();
        }
    }

    private static byte[] DropFourth(byte[] pixels)
    {
        var rgb = GC.AllocateUninitializedArray<byte>(pixels.Length / 4 * 3);
        for (int from = 0, to = 0; to < rgb.Length; from += 4, to += 3)
            (rgb[to], rgb[to + 1], rgb[to + 2]) = (pixels[from], pixels[from + 1], pixels[from + 2]);
        return rgb;
    }
}
