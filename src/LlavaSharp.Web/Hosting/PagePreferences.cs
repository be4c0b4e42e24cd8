using LlavaSharp.Web.Texts;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Web.Hosting;

/// <summary>How somebody wants to see the page; kept in two cookies that the page's script writes.</summary>
/// <param name="Language">One of <see cref="PageTexts.Languages"/>.</param>
/// <param name="Theme"><c>auto</c>, <c>light</c> or <c>dark</c>.</param>
internal sealed record PagePreferences(string Language, string Theme)
{
    /// <summary>The appearances, the default one first.</summary>
    public static readonly string[] Themes = ["auto", "light", "dark"];

    /// <summary>Reads them from a request; what it does not say is chosen by the browser's languages.</summary>
    public static PagePreferences Of(HttpRequest request)
    {
        var (language, theme) = (request.Cookies["llava-language"], request.Cookies["llava-theme"]);
        return new(
            language is not null && PageTexts.Languages.Contains(language) ? language : Preferred(request),
            theme is not null && Themes.Contains(theme) ? theme : Themes[0]);
    }

    private static string Preferred(HttpRequest request) => request.GetTypedHeaders().AcceptLanguage
        .OrderByDescending(accepted => accepted.Quality ?? 1)
        .Select(accepted => PageTexts.Languages.FirstOrDefault(known => accepted.Value.Equals(known, StringComparison.OrdinalIgnoreCase) || accepted.Value.StartsWith(known + "-", StringComparison.OrdinalIgnoreCase)))
        .FirstOrDefault(known => known is not null) ?? PageTexts.Languages[0];
}
