using System.Net;
using Markdig;
using Markdig.Extensions.TaskLists;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Renderers.Html.Inlines;

namespace LlavaSharp.Web.Markdown;

/// <summary>What a model writes, as HTML that can do no harm: no tags of its own, no scripts, nothing from other hosts.</summary>
public static class MarkdownText
{
    private const int MostCharacters = 200_000;   // longer than any answer; beyond it only plain text

    private static readonly MarkdownPipeline _pipeline = new MarkdownPipelineBuilder().DisableHtml().UsePipeTables().UseTaskLists()
        .UseEmphasisExtras(Markdig.Extensions.EmphasisExtras.EmphasisExtraOptions.Strikethrough).UseAutoLinks().Build();

    /// <summary>Converts a text, finished or not.</summary>
    /// <param name="text">CommonMark with tables, task lists and struck-out text.</param>
    /// <param name="copyText">What stands on the button that copies code.</param>
    public static string ToHtml(string text, string copyText = "Copy")
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(copyText);
        if (text.Length > MostCharacters)
            return Plain(text);
        try
        {
            using var output = new StringWriter();
            var renderer = new HtmlRenderer(output);
            _pipeline.Setup(renderer);
            renderer.ObjectRenderers.ReplaceOrAdd<LinkInlineRenderer>(new SafeLinks());
            renderer.ObjectRenderers.ReplaceOrAdd<AutolinkInlineRenderer>(new SafeAutolinks());
            renderer.ObjectRenderers.ReplaceOrAdd<CodeBlockRenderer>(new CodeBlocks(copyText));
            renderer.ObjectRenderers.ReplaceOrAdd<HeadingRenderer>(new Headings());
            renderer.ObjectRenderers.ReplaceOrAdd<HtmlTaskListRenderer>(new TaskMarks());
            renderer.Render(Markdig.Markdown.Parse(text, _pipeline));
            return output.ToString();
        }
        catch (ArgumentException)
        {
            return Plain(text);   // nested more deeply than the parser goes
        }
    }

    private static string Plain(string text) => $"<pre class=\"plain\" tabindex=\"0\">{WebUtility.HtmlEncode(text)}</pre>";
}
