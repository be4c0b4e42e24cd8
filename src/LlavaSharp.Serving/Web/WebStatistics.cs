namespace LlavaSharp.Serving.Web;

/// <summary>What an answer took, as seen from here.</summary>
/// <param name="Tokens">New tokens, as told by the frames of the stream: a worker sends one a token and a last one.</param>
/// <param name="TimeToFirstText">From asking to the first text; null while there is none.</param>
/// <param name="Duration">From asking to the end, or to now.</param>
/// <param name="TokensPerSecond">From the first frame to the last; null while it cannot be told.</param>
public sealed record WebStatistics(int Tokens, TimeSpan? TimeToFirstText, TimeSpan Duration, double? TokensPerSecond);
