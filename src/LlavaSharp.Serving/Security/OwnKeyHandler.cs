using System.Net.Http.Headers;

namespace LlavaSharp.Serving.Security;

/// <summary>Shows the server's own key with every request that the server sends to itself, and to nobody else.</summary>
internal sealed class OwnKeyHandler(HttpMessageHandler inner, Func<Uri> self, string? key) : DelegatingHandler(inner)
{
    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // workers elsewhere are not to learn it
        if (key is not null && request.RequestUri?.Authority == self().Authority)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return base.SendAsync(request, cancellationToken);
    }
}
