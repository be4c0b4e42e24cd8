namespace LlavaSharp;

/// <summary>
/// Which faults of the original LLaVA (revision c121f04) are reproduced. By default none is: the product does the right thing.
/// <see cref="Original"/> restores them all (<c>--original-quirks</c>); each is listed in <c>docs/quirks.md</c> under its number.
/// </summary>
public sealed record CompatibilityOptions
{
    /// <summary>Every fault mended.</summary>
    public static CompatibilityOptions Mended { get; } = new();

    /// <summary>Every fault as in the original.</summary>
    public static CompatibilityOptions Original { get; } = new()
    {
        ProcessorGuessesChannelOrder = true,
        StartEndTokensRefuseTunedProjector = true,
        IgnoreSurplusPictures = true,
        KeepEndTokenInHistory = true,
        AnyHttpPrefixIsAUrl = true,
    };

    /// <summary>Q45: a picture of height 1 or 3 that reaches the CLIP processor is misread as channels-first.</summary>
    public bool ProcessorGuessesChannelOrder { get; init; }

    /// <summary>Q8: the merge step fails when the config says both <c>tune_mm_mlp_adapter</c> and <c>mm_use_im_start_end</c>.</summary>
    public bool StartEndTokensRefuseTunedProjector { get; init; }

    /// <summary>Q16: pictures beyond the number of markers are silently ignored.</summary>
    public bool IgnoreSurplusPictures { get; init; }

    /// <summary>Q17: the terminal chat stores the end token inside the assistant's message.</summary>
    public bool KeepEndTokenInHistory { get; init; }

    /// <summary>Q42: <c>run</c> takes any file name that begins with "http" for a URL.</summary>
    public bool AnyHttpPrefixIsAUrl { get; init; }
}
