using LlavaSharp.Parity.Areas;
using LlavaSharp.Parity.Areas.Serving;

namespace LlavaSharp.Parity;

/// <summary>The folders that the goldens' README lists.</summary>
public static class ParityAreas
{
    /// <summary>The areas that have a check; one line each.</summary>
    public static IReadOnlyList<IParityArea> All { get; } =
    [
        new ImagingArea(),
        new TokenizersArea(),
        new PromptsArea(),
        new GenerationArea(),
        new CheckpointsArea(),
        new FullSizeArea(),
        new QuantizationArea(),
        new LlavaHfArea(),
        new RealLlmArea(),
        new ServingArea(),
    ];

    /// <summary>The areas that no check knows yet: where their folder exists they count as failed.</summary>
    public static IReadOnlyList<string> NotBuilt { get; } =
    [
        "labels",
        "samplers",
        "training",
        "evaluation",
        "gguf",
    ];

    /// <summary>Folders that hold nothing but input for the others.</summary>
    public static IReadOnlyList<string> InputOnly { get; } = ["tokenizer"];

    /// <summary>Whether the README lists this folder.</summary>
    public static bool Knows(string name) => All.Any(area => area.Name == name) || NotBuilt.Contains(name) || InputOnly.Contains(name);
}
