using LlavaSharp.Generation;

namespace LlavaSharp.Serving.Hosting;

/// <summary>A model that clients may name.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Engine">What answers.</param>
/// <param name="Created">When it was loaded.</param>
public sealed record ServedModel(string Name, IGenerationEngine Engine, DateTimeOffset Created)
{
    /// <summary>The adapter that answers under this name; null: the model as it is.</summary>
    public string? Adapter { get; init; }
}
