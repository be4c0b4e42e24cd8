using LlavaSharp.Serving.Web;

namespace LlavaSharp.Web.Chat;

/// <summary>One of the conversations that were beside each other.</summary>
/// <param name="Model">The model that was selected.</param>
/// <param name="Turns">What was said.</param>
public sealed record SavedLane(string Model, IReadOnlyList<WebSavedTurn> Turns);
