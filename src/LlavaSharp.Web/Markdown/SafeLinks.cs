using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax.Inlines;

namespace LlavaSharp.Web.Markdown;

/// <summary>Writes links that lead out of the page and can do nothing else; pictures become links, as nothing is loaded from other hosts.</summary>
internal sealed class SafeLinks : HtmlObjectRenderer<LinkInline>
{
    /// <summary>Whether an address may be followed.</summary>
    public static bool IsSafe(string? url) => Read(url) is not null;

    /// <summary>Writes the beginning of a link, if the address is safe.</summary>
    /// <returns>Whether it did, so that an end is due.</returns>
    public static bool Begin(HtmlRenderer renderer, string? url)
    {
        if (Read(url) is not { } uri)
            return false;
        // as the parser understood it, not as it was written
        renderer.Write("<a href=\"").WriteEscape(uri.AbsoluteUri).Write("\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">");
        return true;
    }

    /// <inheritdoc/>
    protected override void Write(HtmlRenderer renderer, LinkInline obj)
    {
        var isLink = Begin(renderer, obj.GetDynamicUrl is not null ? obj.GetDynamicUrl() ?? obj.Url : obj.Url);
        renderer.WriteChildren(obj);
        if (isLink)
            renderer.Write("</a>");
    }

    private static Uri? Read(string? url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeMailto) ? uri : null;
}
