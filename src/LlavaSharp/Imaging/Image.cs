using System.Buffers.Binary;
using System.Security.Cryptography;
using LlavaSharp.IO;

namespace LlavaSharp.Imaging;

/// <summary>A picture in 8-bit RGB: what every program of this library looks at.</summary>
public sealed class Image
{
    private readonly byte[] _rgb;
    private string? _contentHash;

    private Image(int width, int height, byte[] rgb) => (Width, Height, _rgb) = (width, height, rgb);

    /// <summary>The number of columns.</summary>
    public int Width { get; }

    /// <summary>The number of rows.</summary>
    public int Height { get; }

    /// <summary>Width and height.</summary>
    public (int Width, int Height) Size => (Width, Height);

    /// <summary>The pixels: interleaved RGB, row by row, without padding; 3 * Width * Height bytes.</summary>
    public ReadOnlySpan<byte> Rgb => _rgb;

    /// <summary>The same bytes as <see cref="Rgb"/>, for callers that keep them.</summary>
    public ReadOnlyMemory<byte> RgbMemory => _rgb;

    /// <summary>Whether the picture was gray in its file (8 bits, no alpha): then the three colours of a pixel are the same, and it is written as gray again.</summary>
    internal bool IsGray { get; private init; }

    /// <summary>SHA-256 of size and pixels in lower-case hex, computed when first asked for: the same picture has the same hash whatever file it came from.</summary>
    public string ContentHash => _contentHash ??= ComputeHash();

    /// <summary>Loads a picture from a file path, an http(s) URL or a data URI; see <see cref="LoadAsync"/>.</summary>
    /// <exception cref="ImageException">The source cannot be reached, is no picture, is truncated, or exceeds a limit.</exception>
    public static Image Load(string source, ImageLoadOptions? options = null) =>
        ImageSource.ReadRawAsync(source, options, CancellationToken.None).GetAwaiter().GetResult().ToRgb();

    /// <summary>
    /// Loads a picture from a file path, an http(s) URL or a data URI and converts it to RGB as the original does:
    /// alpha is dropped, EXIF orientation is not applied, of an animation the first frame is taken.
    /// </summary>
    /// <exception cref="ImageException">The source cannot be reached, is no picture, is truncated, or exceeds a limit.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<Image> LoadAsync(string source, ImageLoadOptions? options = null, CancellationToken cancellationToken = default) =>
        (await ImageSource.ReadRawAsync(source, options, cancellationToken).ConfigureAwait(false)).ToRgb();

    /// <summary>Decodes an encoded picture (PNG, JPEG, WebP, GIF or BMP); <paramref name="source"/> names it in errors.</summary>
    /// <exception cref="ImageException">The bytes are no picture, are truncated, or claim more pixels than the limit.</exception>
    public static Image FromBytes(ReadOnlySpan<byte> encoded, ImageLoadOptions? options = null, string? source = null) =>
        ImageDecoder.Decode(encoded, options, source).ToRgb();

    /// <summary>Wraps pixels (interleaved RGB, row by row) without copying them: the caller gives the array away.</summary>
    /// <exception cref="ImageException">A side is zero, or the array's length is not 3 * width * height.</exception>
    public static Image FromRgb(int width, int height, byte[] rgb)
    {
        ArgumentNullException.ThrowIfNull(rgb);
        if (width <= 0 || height <= 0)
            throw new ImageException($"A picture of {width}x{height} pixels cannot be: both sides must be at least 1.");
        if (rgb.Length != 3L * width * height)
            throw new ImageException($"A picture of {width}x{height} RGB pixels has {3L * width * height} bytes, not {rgb.Length}.");
        return new Image(width, height, rgb);
    }

    /// <summary>Wraps the pixels of a gray picture in RGB.</summary>
    internal static Image FromGray(int width, int height, byte[] rgb) => new(width, height, rgb) { IsGray = true };

    /// <summary>The pixels as the original holds them: one byte each where the picture is gray, else RGB.</summary>
    internal byte[] StoredPixels()
    {
        if (!IsGray)
            return _rgb;
        var gray = new byte[_rgb.Length / 3];
        for (var i = 0; i < gray.Length; i++)
            gray[i] = _rgb[3 * i];
        return gray;
    }

    /// <summary>The picture as a PNG file (8-bit RGB, or 8-bit gray where it was read from a gray file; lossless).</summary>
    public byte[] EncodePng() => PngEncoder.Encode(this);

    /// <summary>The picture as a JPEG file of a <paramref name="quality"/> between 1 and 100.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The quality is out of its range.</exception>
    public byte[] EncodeJpeg(int quality = 75)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        return SkiaDecoder.EncodeJpeg(this, quality);
    }

    /// <summary>Saves the picture as its extension says: .png, .jpg or .jpeg. Written to a temporary name, then renamed.</summary>
    /// <exception cref="UnknownNameException">The extension is none of these.</exception>
    /// <exception cref="ImageException">The file cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var extension = Path.GetExtension(path);
        var bytes = extension.ToLowerInvariant() switch
        {
            ".png" => EncodePng(),
            ".jpg" or ".jpeg" => EncodeJpeg(),
            _ => throw new UnknownNameException("picture format to save as", extension, [".png", ".jpg", ".jpeg"]),
        };
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new ImageException($"The picture cannot be saved as '{path}': there is no folder '{folder}'. Make it first, or correct the path.", path);
        AtomicFile.WriteBytes(path, bytes, (message, exception) => new ImageException(message, path, exception));
    }

    private string ComputeHash()
    {
        Span<byte> size = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(size, Width);
        BinaryPrimitives.WriteInt32LittleEndian(size[4..], Height);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(size);
        hash.AppendData(_rgb);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
