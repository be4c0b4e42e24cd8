namespace LlavaSharp.Cli;

/// <summary>A titled list of names and values.</summary>
internal sealed record ReportSection(string Title, IReadOnlyList<(string Name, string Value)> Rows);
