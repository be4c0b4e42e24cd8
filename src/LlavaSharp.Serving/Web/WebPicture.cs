using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using LlavaSharp.Imaging;

namespace LlavaSharp.Serving.Web;

/// <summary>A picture of a message.</summary>
public sealed class WebPicture
{
    private readonly Lock _lock = new();
    private string? _dataUri;
    private (string Mode, PreparedPicture Picture)? _prepared;

    /// <summary>Takes a picture.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="name">Its name, for people.</param>
    public WebPicture(Image image, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        (Image, Name) = (image, name);
    }

    /// <summary>The picture.</summary>
    public Image Image { get; }

    /// <summary>Its name, for people; or null.</summary>
    public string? Name { get; }

    /// <summary>As an address that a browser shows: a JPEG of at most 1344 pixels a side, in base64. Made when first asked for.</summary>
    /// <exception cref="ImageException">The picture is so thin that a side would become 0.</exception>
    public string DataUri => _dataUri ??= $"data:image/jpeg;base64,{Convert.ToBase64String(ConversationImage.Process(Image, "Default").EncodeJpeg())}";

    /// <summary>Reads an uploaded file.</summary>
    /// <param name="encoded">PNG, JPEG, WebP, GIF or BMP.</param>
    /// <param name="name">The file's name, for people.</param>
    /// <param name="options">Limits; null: the library's.</param>
    /// <exception cref="ImageException">It is no picture, is truncated, or exceeds a limit; <see cref="WebConversation.Refuse"/> shows it to the user.</exception>
    public static WebPicture Read(ReadOnlySpan<byte> encoded, string? name = null, ImageLoadOptions? options = null) => new(Image.FromBytes(encoded, options, name), name);

    /// <summary>The picture as it is sent with a mode, to be kept: who sends it again with the mode <c>Default</c> sends the same pixels.</summary>
    /// <param name="mode">How it is made fit.</param>
    /// <returns>A name made of its pixels, and a PNG file as a data URI.</returns>
    /// <exception cref="UnknownNameException">There is no such mode.</exception>
    /// <exception cref="ImageException">The picture is so thin that a side would become 0.</exception>
    public (string Key, string DataUri) Keep(string mode)
    {
        var prepared = Prepare(mode);
        return (prepared.Hash, $"data:image/png;base64,{prepared.Png}");
    }

    /// <summary>The picture as it is sent with a mode; the last one is kept, as every turn sends it again.</summary>
    /// <exception cref="UnknownNameException">There is no such mode.</exception>
    /// <exception cref="ImageException">The picture is so thin that a side would become 0.</exception>
    [SuppressMessage("Security", "CA5351", Justification = "The original names its files so; nothing is protected by it.")]
    internal PreparedPicture Prepare(string mode)
    {
        lock (_lock)
        {
            if (_prepared is { } prepared && prepared.Mode == mode)
                return prepared.Picture;
            var image = ConversationImage.Process(Image, mode);
            var made = new PreparedPicture(image, Convert.ToHexStringLower(MD5.HashData(image.StoredPixels())), Convert.ToBase64String(image.EncodePng()));
            _prepared = (mode, made);
            return made;
        }
    }
}
