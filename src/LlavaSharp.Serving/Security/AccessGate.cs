using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.RateLimiting;
using LlavaSharp.Serving.OpenAi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Security;

/// <summary>Lets in who has a key, and nobody too often. Refusals have the form of the interface that was asked.</summary>
internal sealed class AccessGate : IDisposable
{
    private const int MostLimiters = 10_000;   // clients that are remembered

    private static readonly string[] _workers = ["/register_worker", "/receive_heart_beat"];
    private static readonly PathString[] _page = ["/_framework", "/_page"];   // the page's files, which are no secret

    private readonly ApiKeys? _keys;
    private readonly int? _perMinute;
    private readonly bool _workersHaveSecret;
    private readonly bool _hasPage;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, RateLimiter> _limiters = new(StringComparer.Ordinal);

    /// <summary>Prepares a gate.</summary>
    /// <param name="keys">The keys; null: everybody is let in.</param>
    /// <param name="perMinute">The most requests of a key (without keys: of an address) in a minute; null: any number.</param>
    /// <param name="workersHaveSecret">Whether workers prove by a secret of their own who they are.</param>
    /// <param name="hasPage">Whether there is a page for people: a browser asks for the key then, as the password of any name.</param>
    /// <param name="logger">Where refusals are told.</param>
    public AccessGate(ApiKeys? keys, int? perMinute, bool workersHaveSecret, bool hasPage, ILogger logger) =>
        (_keys, _perMinute, _workersHaveSecret, _hasPage, _logger) = (keys, perMinute, workersHaveSecret, hasPage, logger);

    /// <summary>A key that the server made for itself; it opens everything, as often as one likes.</summary>
    public string OwnKey { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));

    /// <summary>Stands in front of all that is mapped after it.</summary>
    public void Use(WebApplication app) => app.Use(async (context, next) =>
    {
        if (IsOpen(context.Request.Path) || await LetInAsync(context).ConfigureAwait(false))
            await next(context).ConfigureAwait(false);
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var limiter in _limiters.Values)
            limiter.Dispose();
    }

    private bool IsOpen(PathString path) => (path == "/" && !_hasPage) || path.StartsWithSegments("/health") || (_hasPage && _page.Any(known => path.StartsWithSegments(known))) || (_workersHaveSecret && _workers.Contains(path.Value, StringComparer.Ordinal));

    private async Task<bool> LetInAsync(HttpContext context)
    {
        var client = context.Connection.RemoteIpAddress?.ToString() ?? "";
        var (path, key) = (context.Request.Path, KeyOf(context.Request));
        if (key is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(OwnKey)))
            return true;
        var isPage = _hasPage && (path == "/" || path.StartsWithSegments("/_blazor"));
        if (_keys is not null)
        {
            if (key is not { Length: > 0 } || _keys.NameOf(key) is not { } name)
            {
                _logger.LogWarning("Refused {Path} from {Client}: no key that is known", context.Request.Path, client);
                context.Response.Headers.WWWAuthenticate = isPage ? "Basic realm=\"LlavaSharp: any name, and a key as the password\"" : "Bearer";
                await RefuseAsync(context, new(401, "Incorrect API key provided. Send one that this server knows as 'Authorization: Bearer KEY'.", null, "invalid_api_key")).ConfigureAwait(false);
                return false;
            }
            client = name;
        }
        context.Items[OpenAiApi.ClientItem] = client;
        if (isPage || _perMinute is not { } most)
            return true;
        using var lease = Limiter(client, most).AttemptAcquire();
        if (lease.IsAcquired)
            return true;
        context.Response.Headers.RetryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? $"{Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds))}" : "1";
        await RefuseAsync(context, new(429, $"Rate limit reached: {most} requests a minute. Ask again later.", null, "rate_limit_exceeded", "requests")).ConfigureAwait(false);
        return false;
    }

    private RateLimiter Limiter(string client, int perMinute)
    {
        // strangers' addresses are any number: what is forgotten begins with a full bucket again
        if (_limiters.Count >= MostLimiters && !_limiters.ContainsKey(client))
            foreach (var (known, _) in _limiters.Take(MostLimiters / 10))
                if (_limiters.TryRemove(known, out var old))
                    old.Dispose();
        return _limiters.GetOrAdd(client, static (_, most) => new TokenBucketRateLimiter(new()
        {
            TokenLimit = most,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) / most,
            QueueLimit = 0,
        }), perMinute);
    }

    private static string? KeyOf(HttpRequest request)
    {
        var authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            return authorization["Bearer ".Length..].Trim();
        if (!authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
            return request.Headers["X-Api-Key"].ToString();
        Span<byte> decoded = stackalloc byte[1024];
        if (!Convert.TryFromBase64String(authorization["Basic ".Length..].Trim(), decoded, out var length))
            return null;
        var pair = Encoding.UTF8.GetString(decoded[..length]);
        return pair.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? pair[(colon + 1)..] : null;
    }

    private static Task RefuseAsync(HttpContext context, OpenAiException error)
    {
        if (context.Request.Path.StartsWithSegments("/v1"))
            return OpenAiReplies.WriteErrorAsync(context, error);
        context.Response.StatusCode = error.Status;
        if (context.Request.Path.StartsWithSegments("/api"))
            return Ollama.OllamaReplies.WriteAsync(context, new JsonObject { ["error"] = error.Message });
        // RFC 9457
        return context.Response.WriteAsJsonAsync(new { type = "about:blank", title = error.Status == 401 ? "Unauthorized" : "Too Many Requests", status = error.Status, detail = error.Message }, (System.Text.Json.JsonSerializerOptions?)null, "application/problem+json", context.RequestAborted);
    }
}
