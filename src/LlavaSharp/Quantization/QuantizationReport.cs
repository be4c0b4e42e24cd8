namespace LlavaSharp.Quantization;

/// <summary>What quantisation changed. Positions are those whose next token counts.</summary>
internal sealed record QuantizationReport
{
    /// <summary>Positions that were compared.</summary>
    public required long Positions { get; init; }

    /// <summary>exp of the reference's mean negative log-likelihood of the next tokens.</summary>
    public required double ReferencePerplexity { get; init; }

    /// <summary>The same of the quantised model.</summary>
    public required double Perplexity { get; init; }

    /// <summary>The mean over the positions of KL(reference || quantised) over the whole vocabulary, in nats.</summary>
    public required double Divergence { get; init; }

    /// <summary>The share of positions at which both models hold the same token for the likeliest.</summary>
    public required double SameToken { get; init; }

    /// <summary>The errors of the layers that the samples reached, in the order in which the network asks for them, the output matrix last.</summary>
    public required IReadOnlyList<LayerError> Layers { get; init; }

    /// <summary>How much larger the perplexity is, as a share of the reference's.</summary>
    public double PerplexityIncrease => Perplexity / ReferencePerplexity - 1;

    /// <summary>The layer with the largest error.</summary>
    public LayerError Worst => Layers.MaxBy(layer => layer.Relative);
}
