using System.Text;

namespace LlavaSharp.Serving.Protocol;

/// <summary>A frame of a worker's stream as the web server reads it.</summary>
internal static class AnswerFrame
{
    private const int MostQuoted = 80;   // characters of a frame in a message

    /// <summary>Reads one.</summary>
    /// <exception cref="WorkerException">It is none.</exception>
    public static StreamFrame Read(byte[] frame, string address)
    {
        try
        {
            var json = ProtocolJson.Object(frame);
            return new(ProtocolJson.Text(json, "text"), (int)ProtocolJson.Number(json, "error_code"));
        }
        catch (Exception exception) when (exception is ProtocolException or InvalidOperationException)   // the latter: a text with half a character
        {
            throw new WorkerException($"The worker at {address} does not follow the protocol: it sent '{Quote(frame)}'.", exception, WorkerProblem.Garbled);
        }
    }

    /// <summary>What a frame says behind the prompt: as many characters as the prompt has are left out, whatever they are.</summary>
    public static string Behind(string prompt, string text)
    {
        if (text.StartsWith(prompt, StringComparison.Ordinal))
            return text[prompt.Length..];
        // characters are code points to the original
        var rest = text.EnumerateRunes().GetEnumerator();
        var left = prompt.EnumerateRunes().Count();
        var start = 0;
        while (left-- > 0 && rest.MoveNext())
            start += rest.Current.Utf16SequenceLength;
        return text[start..];
    }

    private static string Quote(byte[] frame)
    {
        var text = Encoding.UTF8.GetString(frame.AsSpan(0, Math.Min(frame.Length, 4 * MostQuoted)));
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(MostQuoted))
            shown.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        return frame.Length > 4 * MostQuoted || text.EnumerateRunes().Count() > MostQuoted ? $"{shown}..." : shown.ToString();
    }
}
