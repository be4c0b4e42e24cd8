using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;

namespace LlavaSharp.Web.Markdown;

/// <summary>Writes code with its language and a button that copies it.</summary>
internal sealed class CodeBlocks(string copyText) : HtmlObjectRenderer<CodeBlock>
{
    /// <inheritdoc/>
    protected override void Write(HtmlRenderer renderer, CodeBlock obj)
    {
        var language = (obj as FencedCodeBlock)?.Info ?? "";
        renderer.EnsureLine();
        renderer.Write("<div class=\"code\"><div class=\"code-head\"><span>").WriteEscape(language)
            .Write("</span><button type=\"button\" class=\"small\" data-copy>").WriteEscape(copyText)
            // what scrolls must be reached by the keyboard
            .Write("</button></div><pre tabindex=\"0\"><code>");
        renderer.WriteLeafRawLines(obj, true, true);
        renderer.Write("</code></pre></div>");
        renderer.EnsureLine();
    }
}
