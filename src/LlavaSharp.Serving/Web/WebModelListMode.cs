namespace LlavaSharp.Serving.Web;

/// <summary>When the list of models is fetched from the controller (<c>--model-list-mode</c>).</summary>
public enum WebModelListMode
{
    /// <summary>At the start; a page takes the list that is there.</summary>
    Once,

    /// <summary>Again whenever a page is loaded.</summary>
    Reload,
}
