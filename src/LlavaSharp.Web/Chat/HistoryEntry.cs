namespace LlavaSharp.Web.Chat;

/// <summary>A line of the browser's history.</summary>
/// <param name="Id">Which conversation.</param>
/// <param name="Title">The beginning of its first message.</param>
/// <param name="Time">When it was kept last, in milliseconds since 1970.</param>
public sealed record HistoryEntry(string Id, string Title, long Time);
