namespace LlavaSharp.Serving.Web;

/// <summary>What becomes of a button.</summary>
public enum WebButton
{
    /// <summary>It stays as it is.</summary>
    Unchanged,

    /// <summary>It can be pressed.</summary>
    Enabled,

    /// <summary>It cannot be pressed.</summary>
    Disabled,
}
