using System.Net;
using System.Net.Sockets;

namespace LlavaSharp.Serving.Security;

/// <summary>
/// Fetches pictures for clients without becoming their way into this network: only allowed hosts, only addresses of the public internet, each redirect checked anew,
/// and the address that was checked is the one that is connected to.
/// </summary>
public sealed class GuardedImageFetcher : IImageFetcher, IDisposable
{
    private const string Refused = "Pictures are not fetched from this address.";
    private const int Piece = 64 * 1024;   // bytes read at once

    private readonly ImageFetchOptions _options;
    private readonly IHostConnector _connector;
    private readonly HttpClient _http;

    /// <summary>Prepares; nothing is asked yet.</summary>
    /// <param name="options">What may be fetched.</param>
    public GuardedImageFetcher(ImageFetchOptions options)
        : this(options, new SocketConnector())
    {
    }

    internal GuardedImageFetcher(ImageFetchOptions options, IHostConnector connector)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _connector) = (options, connector);
        var handler = new SocketsHttpHandler
        {
            // a proxy would resolve names by itself
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 16,   // KB
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            ConnectCallback = (context, cancellation) => ConnectAsync(context.DnsEndPoint, cancellation),
        };
        _http = new(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <inheritdoc/>
    public async Task<byte[]> FetchAsync(string address, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (_options.AllowedHosts.Count == 0)
            throw new ImageFetchException("This server fetches no pictures. Send them as data: URIs.");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.Timeout);
        try
        {
            var url = Check(address, null);
            for (var hop = 0; hop <= _options.MaxRedirects; hop++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { { "Accept", "image/*" } } };
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
                if ((int)response.StatusCode is >= 300 and < 400 && response.Headers.Location is { } next)
                {
                    url = Check(next.OriginalString, url);
                    continue;
                }
                return await ReadAsync(response, limit.Token).ConfigureAwait(false);
            }
            throw new ImageFetchException("The picture's address leads from redirect to redirect.");
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw new ImageFetchException("The picture took too long to come.", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException)
        {
            // refused, unknown and closed look alike, so that nobody can look around with it
            throw exception.InnerException as ImageFetchException ?? new ImageFetchException(Refused, exception);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>What an address says by itself, before anybody is asked.</summary>
    /// <param name="address">The address.</param>
    /// <param name="from">The one that redirects to it, or null.</param>
    /// <exception cref="ImageFetchException">It is not allowed.</exception>
    internal Uri Check(string address, Uri? from)
    {
        var made = from is null ? Uri.TryCreate(address, UriKind.Absolute, out var url) : Uri.TryCreate(from, address, out url);
        if (!made || url!.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
            throw new ImageFetchException("Pictures are fetched over http and https only.");
        // a redirect must not give up encryption
        if (url.UserInfo.Length > 0 || !_options.AllowedPorts.Contains(url.Port) || (from?.Scheme == Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttps))
            throw new ImageFetchException(Refused);
        var host = url.IdnHost.TrimEnd('.');
        if (!_options.AllowedHosts.Any(allowed => Matches(host, allowed)))
            throw new ImageFetchException(Refused);
        return url;
    }

    private static bool Matches(string host, string allowed) => allowed.StartsWith("*.", StringComparison.Ordinal)
        ? host.EndsWith(allowed[1..], StringComparison.OrdinalIgnoreCase)
        : allowed == "*" || host.Equals(allowed.TrimEnd('.'), StringComparison.OrdinalIgnoreCase);

    // what is connected to is what was checked: a name that answers differently the second time is not asked a second time
    private async ValueTask<Stream> ConnectAsync(DnsEndPoint host, CancellationToken cancellation)
    {
        var addresses = IPAddress.TryParse(host.Host.Trim('[', ']'), out var number) ? [number] : await _connector.ResolveAsync(host.Host, cancellation).ConfigureAwait(false);
        // one private address among public ones is no accident
        if (addresses.Length == 0 || !addresses.All(PublicAddress.Is))
            throw new ImageFetchException(Refused);
        Exception? last = null;
        foreach (var address in addresses)
            try
            {
                return await _connector.ConnectAsync(new(address, host.Port), cancellation).ConfigureAwait(false);
            }
            catch (SocketException exception)
            {
                last = exception;
            }
        throw new ImageFetchException(Refused, last);
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (!response.IsSuccessStatusCode || response.Content.Headers.ContentType?.MediaType?.StartsWith("image/", StringComparison.OrdinalIgnoreCase) != true)
            throw new ImageFetchException("There is no picture at this address.");
        if (response.Content.Headers.ContentLength > _options.MaxBytes)
            throw TooLarge();
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using var bytes = new MemoryStream();
        var buffer = new byte[Piece];
        while (await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false) is > 0 and var count)
        {
            if (bytes.Length + count > _options.MaxBytes)
                throw TooLarge();
            bytes.Write(buffer, 0, count);
        }
        return bytes.ToArray();

        ImageFetchException TooLarge() => new($"The picture is larger than {_options.MaxBytes:N0} bytes.");
    }
}
