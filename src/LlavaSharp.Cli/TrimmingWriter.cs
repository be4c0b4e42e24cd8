namespace LlavaSharp.Cli;

/// <summary>Writes a text that comes in pieces without the white space at its beginning and end.</summary>
internal sealed class TrimmingWriter(TextWriter output)
{
    private string _held = "";

    /// <summary>Whether anything was written.</summary>
    public bool HasWritten { get; private set; }

    public void Write(string piece)
    {
        var text = HasWritten ? _held + piece : (_held + piece).TrimStart();
        var end = text.TrimEnd().Length;
        _held = text[end..];
        if (end == 0)
            return;
        output.Write(text[..end]);
        output.Flush();
        HasWritten = true;
    }
}
