using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax.Inlines;

namespace LlavaSharp.Web.Markdown;

/// <summary>Writes addresses in angle brackets; CommonMark allows any scheme there, the page does not.</summary>
internal sealed class SafeAutolinks : HtmlObjectRenderer<AutolinkInline>
{
    /// <inheritdoc/>
    protected override void Write(HtmlRenderer renderer, AutolinkInline obj)
    {
        var isLink = SafeLinks.Begin(renderer, obj.IsEmail ? "mailto:" + obj.Url : obj.Url);
        renderer.WriteEscape(obj.Url);
        if (isLink)
            renderer.Write("</a>");
    }
}
