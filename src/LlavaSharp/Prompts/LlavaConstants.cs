namespace LlavaSharp.Prompts;

/// <summary>The numbers and marker texts that the original fixes.</summary>
public static class LlavaConstants
{
    /// <summary>The label of a position that training does not look at.</summary>
    public const int IgnoreIndex = -100;

    /// <summary>The id that stands for a picture among the ids of a prompt.</summary>
    public const int ImageTokenIndex = -200;

    /// <summary>The marker of a picture in a prompt.</summary>
    public const string ImageToken = "<image>";

    /// <summary>The token of one patch, which <c>mm_use_im_patch_token</c> adds to the vocabulary.</summary>
    public const string ImagePatchToken = "<im_patch>";

    /// <summary>The token before a picture, which <c>mm_use_im_start_end</c> adds to the vocabulary.</summary>
    public const string ImageStartToken = "<im_start>";

    /// <summary>The token after a picture, which <c>mm_use_im_start_end</c> adds to the vocabulary.</summary>
    public const string ImageEndToken = "<im_end>";

    /// <summary>What a user of <c>run_llava</c> may write where the picture belongs.</summary>
    public const string ImagePlaceholder = "<image-placeholder>";
}
