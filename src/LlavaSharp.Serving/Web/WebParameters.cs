namespace LlavaSharp.Serving.Web;

/// <summary>How an answer is to be generated. Defaults are those of the original's page.</summary>
/// <param name="Model">The model.</param>
public sealed record WebParameters(string Model)
{
    /// <summary>The largest <see cref="MaxNewTokens"/> that is sent.</summary>
    public const int MostNewTokens = 1536;

    /// <summary>0 takes the likeliest token; more draws.</summary>
    public double Temperature { get; init; } = 0.2;

    /// <summary>Draw from the fewest tokens that have this share together.</summary>
    public double TopP { get; init; } = 0.7;

    /// <summary>The most tokens of the answer; a fraction is cut off, and <see cref="MostNewTokens"/> is the most.</summary>
    public double MaxNewTokens { get; init; } = 512;
}
