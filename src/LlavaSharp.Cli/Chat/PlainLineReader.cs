namespace LlavaSharp.Cli.Chat;

/// <summary>Reads lines from a file, a pipe, or a terminal that cannot move its cursor.</summary>
internal sealed class PlainLineReader(TextReader input, TextWriter output) : ILineReader
{
    public string? ReadLine(string prompt)
    {
        output.Write(prompt);
        output.Flush();
        return input.ReadLine();
    }
}
