namespace LlavaSharp.Cli.Chat;

/// <summary>Asks the user for lines.</summary>
internal interface ILineReader
{
    /// <summary>Shows a prompt and reads a line; null at the end of the input.</summary>
    string? ReadLine(string prompt);
}
