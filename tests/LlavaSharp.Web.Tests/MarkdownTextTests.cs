using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using LlavaSharp.Web.Markdown;

namespace LlavaSharp.Web.Tests;

public class MarkdownTextTests
{
    private static readonly string[] _elements =
    [
        "p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "del", "code", "pre", "div", "span", "button", "a", "table", "thead", "tbody", "tr", "th", "td", "blockquote", "hr", "br",
    ];

    private static readonly string[] _attributes = ["class", "type", "data-copy", "tabindex", "href", "target", "rel", "start", "style"];

    [Theory]
    [InlineData("**bold** and `code`", "<p><strong>bold</strong> and <code>code</code></p>\n")]
    [InlineData("# Heading", "<h2>Heading</h2>\n")]
    [InlineData("[a](https://example.org/x)", "<p><a href=\"https://example.org/x\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">a</a></p>\n")]
    [InlineData("[a](javascript:alert(1))", "<p>a</p>\n")]
    [InlineData("<javascript:alert(1)>", "<p>javascript:alert(1)</p>\n")]
    [InlineData("![a](https://example.org/x.png)", "<p><a href=\"https://example.org/x.png\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">a</a></p>\n")]
    [InlineData("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n")]
    [InlineData("- [x] a", "<ul class=\"contains-task-list\">\n<li class=\"task-list-item\">☑ a</li>\n</ul>\n")]
    [InlineData("~~gone~~", "<p><del>gone</del></p>\n")]
    public void ToHtml_Text_IsConverted(string text, string html) => Assert.Equal(html, MarkdownText.ToHtml(text));

    [Fact]
    public void ToHtml_CodeAndTables_CanBeReachedByTheKeyboard()
    {
        var document = Parse(MarkdownText.ToHtml("```c#\nvar a = \"<b>\";\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "Kopieren"));
        Assert.Equal("var a = \"<b>\";\n", document.QuerySelector("pre[tabindex='0'] code")!.TextContent);
        Assert.Equal("Kopieren", document.QuerySelector("button[data-copy]")!.TextContent);
        Assert.Equal(["1", "2"], document.QuerySelectorAll("td").Select(cell => cell.TextContent));
    }

    [Theory]
    [InlineData("**not closed and `this")]
    [InlineData("```\nnot closed")]
    [InlineData("| a | b")]
    [InlineData("")]
    public void ToHtml_UnfinishedText_IsShown(string text) => Assert.NotNull(MarkdownText.ToHtml(text));

    [Fact]
    public void ToHtml_NestedTooDeeplyOrTooLong_IsPlainText()
    {
        var html = MarkdownText.ToHtml(new string('>', 100_000) + "<b>");
        Assert.Contains("&lt;b&gt;", html, StringComparison.Ordinal);
        Assert.StartsWith("<pre class=\"plain\"", MarkdownText.ToHtml(new string('a', 200_001)), StringComparison.Ordinal);
    }

    [Fact]
    public void ToHtml_AnyText_GivesHarmlessElementsOnly()
    {
        string[] parts =
        [
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](", "javascript:alert(1)", ")", "![", "](data:text/html;base64,AAAA)", "<a href='x'>", "`", "```\n", "| a | b |\n|---|---|\n",
            "**", "_", "~~", "\n", "\n\n", "> ", "- [ ] ", "1. ", "# ", "&lt;script&gt;", "<https://example.org/\"onclick=alert(1)>", "www.example.org", "[x]: vbscript:y\n", "[x]", "\"", "'", "\0", "﻿", "\ud83d", "</code></pre>", "{onclick=alert(1)}", "<!--", "]]>", "\\", "&#x6a;avascript:",
        ];
        var random = new Random(5);
        for (var round = 0; round < 3000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => parts[random.Next(parts.Length)]));
            foreach (var element in Parse(MarkdownText.ToHtml(text)).Body!.QuerySelectorAll("*"))
            {
                Assert.Contains(element.LocalName, _elements);
                Assert.All(element.Attributes, attribute => Assert.Contains(attribute.Name, _attributes));
                Assert.True(element.GetAttribute("href") is not { } href || SafeLinks.IsSafe(href), text);
                Assert.True(element.GetAttribute("style") is not { } style || style.StartsWith("text-align:", StringComparison.Ordinal), text);
            }
        }
    }

    private static AngleSharp.Html.Dom.IHtmlDocument Parse(string html) => new HtmlParser().ParseDocument(html);
}
