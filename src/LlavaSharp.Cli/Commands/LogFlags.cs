using System.CommandLine;
using LlavaSharp.Serving.Hosting;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Cli.Commands;

/// <summary>How a server writes its log.</summary>
internal sealed class LogFlags
{
    private readonly Option<string> _format = new("--log-format") { Description = "How the log is written: text (the original's lines) or json (an object a line).", DefaultValueFactory = _ => "text", HelpName = "FORMAT" };

    /// <summary>Adds the flag to a verb.</summary>
    public LogFlags(Command command) => command.Options.Add(_format);

    /// <summary>Writes to standard error and to a file that begins anew every day.</summary>
    /// <param name="parsed">The flags.</param>
    /// <param name="name">The program's name in the lines.</param>
    /// <param name="file">The file's name; null: the program's.</param>
    /// <exception cref="UsageException">There is no such format.</exception>
    public Action<ILoggingBuilder> Provider(ParseResult parsed, string name, string? file)
    {
        var isJson = parsed.GetValue(_format) switch
        {
            "text" => false,
            "json" => true,
            var other => throw new UsageException($"'{other}' is no format of a log: it is text or json (--log-format)."),
        };
        return logging => logging.AddProvider(new LogLines(name, Console.Error, new LogFile($"{file ?? name}.log", TimeProvider.System), TimeProvider.System, isJson));
    }
}
