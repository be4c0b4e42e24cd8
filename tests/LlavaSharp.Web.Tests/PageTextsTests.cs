using System.Text.RegularExpressions;
using LlavaSharp.Serving.Web;
using LlavaSharp.Web.Texts;

namespace LlavaSharp.Web.Tests;

public partial class PageTextsTests
{
    [Fact]
    public void Languages_All_HaveTheSameTextsAndPlaceholders()
    {
        var first = PageTexts.For(PageTexts.Languages[0]);
        foreach (var other in PageTexts.Languages.Select(PageTexts.For))
        {
            Assert.Equal(first.Keys.Order(StringComparer.Ordinal), other.Keys.Order(StringComparer.Ordinal));
            Assert.All(first.Keys, key => Assert.Equal(Placeholders(first[key]), Placeholders(other[key])));
            Assert.All(other.Keys, key => Assert.False(string.IsNullOrWhiteSpace(other[key])));
        }
    }

    [Fact]
    public void Explain_EveryFailure_HasWordsInEveryLanguage()
    {
        foreach (var texts in PageTexts.Languages.Select(PageTexts.For))
            Assert.All(Enum.GetValues<WebFailureKind>(), kind => Assert.NotEmpty(texts.Explain(new(kind, "what happened"))));
        Assert.Equal("what happened", PageTexts.For("en").Explain(new(WebFailureKind.NoWorker, "what happened")));
    }

    [Fact]
    public void For_UnknownLanguage_IsRefused()
    {
        Assert.Throws<UnknownNameException>(() => PageTexts.For("tlh"));
        Assert.Throws<KeyNotFoundException>(() => PageTexts.For("en")["nothing"]);
    }

    private static string[] Placeholders(string text) => [.. Placeholder().Matches(text).Select(match => match.Value).Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Placeholder();
}
