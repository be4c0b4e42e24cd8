namespace LlavaSharp.Serving.Web;

/// <summary>What a page shows when it is loaded.</summary>
/// <param name="Models">The models to choose from.</param>
/// <param name="Selected">The model to select; null: as it is, which is the first in a new page.</param>
/// <param name="State">The chat.</param>
/// <param name="Failure">Why the list could not be fetched, or null.</param>
public sealed record WebPageLoad(IReadOnlyList<string> Models, string? Selected, WebState State, WebFailure? Failure = null);
