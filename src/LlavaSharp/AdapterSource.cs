namespace LlavaSharp;

/// <summary>An adapter that requests may ask for by name; see <see cref="LoadOptions.Adapters"/>.</summary>
/// <param name="Name">The name by which requests ask for it.</param>
/// <param name="Path">Its folder or hub id: <c>adapter_config.json</c> and matrices as PEFT writes them.</param>
public sealed record AdapterSource(string Name, string Path);
