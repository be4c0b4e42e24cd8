namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>A request that was sent.</summary>
internal sealed record SentRequest(string Method, string Url, string UserAgent, string? Authorization, string? ContentType, byte[] Body);
