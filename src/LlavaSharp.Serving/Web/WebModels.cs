namespace LlavaSharp.Serving.Web;

/// <summary>The models that the controller knows, as the page lists them.</summary>
public sealed class WebModels
{
    /// <summary>The list that was fetched last; empty before.</summary>
    public IReadOnlyList<string> Names => throw new NotImplementedException();

    /// <summary>Makes the controller ask its workers, and fetches its list.</summary>
    /// <returns>Null; or why the list could not be fetched, and is as before.</returns>
    public Task<WebFailure?> RefreshAsync(CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>The models in the page's order: by name, but <c>vicuna-13b</c> and <c>koala-13b</c> where <c>aaaaaaa</c> and <c>aaaaaab</c> would be.</summary>
    public static IReadOnlyList<string> Sort(IEnumerable<string> names) => throw new NotImplementedException();
}
