using LlavaSharp.Generation;

namespace LlavaSharp.Models;

/// <summary>The adapters that lie beside a model.</summary>
/// <param name="adapters">All of them, in the order of their places.</param>
/// <param name="selection">Where the model's adapted layers look.</param>
internal sealed class AdapterSet(IReadOnlyList<LoadedAdapter> adapters, AdapterSelection selection)
{
    /// <summary>Which of them answers which rows of the pass that is being computed.</summary>
    public AdapterSelection Selection => selection;

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names { get; } = [.. adapters.Select(adapter => adapter.Name)];

    /// <summary>The adapter of that name; null for the model as it is.</summary>
    /// <param name="name">The name, or null.</param>
    /// <param name="model">The model's name, for the message.</param>
    /// <exception cref="GenerationException">There is none of that name.</exception>
    public LoadedAdapter? Find(string? name, string model) => name is null ? null
        : adapters.FirstOrDefault(adapter => adapter.Name == name)
        ?? throw new GenerationException($"The model '{model}' has no adapter '{name}'. {(Names.Count == 0 ? "It was loaded without adapters." : $"There are: {string.Join(", ", Names)}.")}");
}
