using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Text;

namespace LlavaSharp.Imaging;

/// <summary>Fetches the bytes of a picture: file, URL or data URI.</summary>
internal static class ImageSource
{
    private static readonly Lazy<HttpClient> s_shared = new(() =>
    {
        // The time limit is the option's, not the client's.
        var client = new HttpClient { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("LlavaSharp", "0.1"));
        return client;
    });

    /// <summary>Reads and decodes a source as it is stored, without the conversion to RGB.</summary>
    public static async Task<RawImage> ReadRawAsync(string source, ImageLoadOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        options ??= ImageLoadOptions.Default;
        if (source.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
            return ImageDecoder.Decode(ReadDataUri(source, options), options, "data URI");
        if (IsUrl(source))
            return ImageDecoder.Decode(await DownloadAsync(source, options, cancellationToken).ConfigureAwait(false), options, source);
        if (source.Contains("://", StringComparison.Ordinal))
            throw new ImageException($"The picture '{source}' cannot be fetched: only http and https URLs, data URIs and file paths are.", source);
        return ImageDecoder.Decode(await ReadFileAsync(source, options, cancellationToken).ConfigureAwait(false), options, source);
    }

    private static bool IsUrl(string source) =>
        source.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || source.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static byte[] ReadDataUri(string source, ImageLoadOptions options)
    {
        const string form = "data:image/png;base64,...";
        var comma = source.IndexOf(',');
        if (comma < 0 || !source.AsSpan(0, comma).EndsWith(";base64", StringComparison.OrdinalIgnoreCase))
            throw new ImageException($"The data URI is not in base64: it should look like '{form}'.", "data URI");
        var text = source.AsSpan(comma + 1);
        if (text.Length / 4 * 3L > options.MaximumBytes)
            throw new ImageException($"The data URI has {text.Length / 4 * 3L} bytes, more than the limit of {options.MaximumBytes}.", "data URI");
        var ascii = new byte[text.Length];
        if (Encoding.ASCII.GetBytes(text, ascii) != text.Length || !Base64.IsValid(text))
            throw new ImageException($"The data URI is no valid base64: it should look like '{form}'.", "data URI");
        Base64.DecodeFromUtf8InPlace(ascii, out var written);
        return ascii[..written];
    }

    private static async Task<byte[]> ReadFileAsync(string path, ImageLoadOptions options, CancellationToken cancellationToken)
    {
        if (!options.AllowFiles)
            throw new ImageException($"The picture '{path}' is not fetched: files are not allowed here.", path);
        if (Directory.Exists(path))
            throw new ImageException($"The picture '{path}' is a folder. Name a file in it.", path);
        try
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
            return await ReadAllAsync(file, file.CanSeek ? file.Length : null, path, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ImageException($"The picture '{path}' does not exist (looked in '{Directory.GetCurrentDirectory()}'). Check the path.", path, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ImageException($"The picture '{path}' cannot be read: {exception.Message}", path, exception);
        }
    }

    private static async Task<byte[]> DownloadAsync(string url, ImageLoadOptions options, CancellationToken cancellationToken)
    {
        if (!options.AllowUrls)
            throw new ImageException($"The picture '{url}' is not fetched: URLs are not allowed here.", url);
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address))
            throw new ImageException($"The picture's URL '{url}' is not valid.", url);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        try
        {
            using var response = await (options.Http ?? s_shared.Value).GetAsync(address, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw new ImageException($"The picture '{url}' cannot be fetched: the server answered {(int)response.StatusCode} {response.ReasonPhrase}.", url);
            await using var content = await response.Content.ReadAsStreamAsync(limit.Token).ConfigureAwait(false);
            return await ReadAllAsync(content, response.Content.Headers.ContentLength, url, options, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ImageException($"The picture '{url}' did not arrive within {options.Timeout.TotalSeconds:0.###} seconds.", url, exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or InvalidOperationException)
        {
            throw new ImageException($"The picture '{url}' cannot be fetched: {exception.Message}", url, exception);
        }
    }

    // The announced length only refuses; memory grows with the bytes that really come.
    private static async Task<byte[]> ReadAllAsync(Stream stream, long? announced, string source, ImageLoadOptions options, CancellationToken cancellationToken)
    {
        if (announced > options.MaximumBytes)
            throw TooLarge(announced.Value);
        var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
        {
            if (bytes.Length + read > options.MaximumBytes)
                throw TooLarge(bytes.Length + read);
            bytes.Write(buffer, 0, read);
        }
        return bytes.ToArray();

        ImageException TooLarge(long length) =>
            new($"The picture '{source}' has {length} bytes or more, over the limit of {options.MaximumBytes}. Take a smaller file, or raise ImageLoadOptions.MaximumBytes.", source);
    }
}
