using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;

namespace LlavaSharp.Web.Markdown;

/// <summary>Writes headings below those of the page.</summary>
internal sealed class Headings : HtmlObjectRenderer<HeadingBlock>
{
    private const int PageLevels = 1;

    /// <inheritdoc/>
    protected override void Write(HtmlRenderer renderer, HeadingBlock obj)
    {
        var tag = $"h{Math.Min(6, obj.Level + PageLevels)}";
        renderer.EnsureLine();
        renderer.Write('<').Write(tag).Write('>');
        renderer.WriteLeafInline(obj);
        renderer.Write("</").Write(tag).Write('>');
        renderer.EnsureLine();
    }
}
