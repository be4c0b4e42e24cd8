using Markdig.Extensions.TaskLists;
using Markdig.Renderers;
using Markdig.Renderers.Html;

namespace LlavaSharp.Web.Markdown;

/// <summary>Writes the boxes of task lists as characters: form elements that do nothing would only confuse.</summary>
internal sealed class TaskMarks : HtmlObjectRenderer<TaskList>
{
    /// <inheritdoc/>
    protected override void Write(HtmlRenderer renderer, TaskList obj) => renderer.Write(obj.Checked ? "☑" : "☐");
}
