namespace LlavaSharp.Cli;

/// <summary>What a model writes, on its way to a terminal.</summary>
internal static class TerminalText
{
    /// <summary>
    /// The text without control characters when it goes to a terminal, which would obey them (a picture can talk a model into writing them);
    /// unchanged when the output is a file or a pipe.
    /// </summary>
    public static string Safe(string text) => Console.IsOutputRedirected ? text : WithoutControls(text);

    internal static string WithoutControls(string text)
    {
        if (!text.Any(IsHarmful))
            return text;
        return string.Create(text.Length, text, (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
                span[i] = IsHarmful(source[i]) ? '\uFFFD' : source[i];
        });
    }

    private static bool IsHarmful(char c) => char.IsControl(c) && c is not ('\n' or '\t');
}
