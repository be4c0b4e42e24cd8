using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using LlavaSharp.Serving.Web;

namespace LlavaSharp.Web.Texts;

/// <summary>The page's words in one language.</summary>
public sealed class PageTexts
{
    private readonly FrozenDictionary<string, string> _texts;

    private PageTexts(string language)
    {
        Language = language;
        using var stream = typeof(PageTexts).Assembly.GetManifestResourceStream($"Texts/{language}.json") ?? throw new UnknownNameException("language", language, Languages);
        _texts = JsonSerializer.Deserialize<Dictionary<string, string>>(stream)!.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The languages, the default one first.</summary>
    public static IReadOnlyList<string> Languages { get; } = ["en", "zh"];

    /// <summary>The language, such as <c>en</c>.</summary>
    public string Language { get; }

    /// <summary>The names of all texts.</summary>
    public IEnumerable<string> Keys => _texts.Keys;

    /// <summary>A text.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public string this[string key] => _texts.TryGetValue(key, out var text) ? text : throw new KeyNotFoundException($"The page has no text '{key}' in '{Language}'.");

    /// <summary>The texts of a language.</summary>
    /// <exception cref="UnknownNameException">The page does not know it.</exception>
    public static PageTexts For(string language) => All.ByLanguage.TryGetValue(language, out var texts) ? texts : throw new UnknownNameException("language", language, Languages);

    /// <summary>A text with numbers or names put in.</summary>
    public string Format(string key, params object[] values) => string.Format(CultureInfo.InvariantCulture, this[key], values);

    /// <summary>What went wrong: in English the whole message, in other languages what kind of thing it was.</summary>
    public string Explain(WebFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return Language == Languages[0] ? failure.Message : this[$"failure.{failure.Kind}"];
    }

    private static class All
    {
        public static readonly FrozenDictionary<string, PageTexts> ByLanguage = Languages.ToFrozenDictionary(language => language, language => new PageTexts(language));
    }
}
