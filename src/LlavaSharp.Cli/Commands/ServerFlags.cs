using System.CommandLine;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Cli.Commands;

/// <summary>The flags that say where a server listens, and its log.</summary>
internal sealed class ServerFlags
{
    private readonly Option<string> _host = new("--host") { Description = "The address to listen at.", DefaultValueFactory = _ => "localhost", HelpName = "HOST" };
    private readonly Option<string?> _workerSecret = new("--worker-secret-file") { Description = "A file whose first line controller and workers must share. Without it: any worker may register, as in the original.", HelpName = "FILE" };
    private readonly LogFlags _log;
    private readonly Option<int> _port;

    /// <summary>Adds the flags to a verb.</summary>
    public ServerFlags(Command command, int port)
    {
        _port = new("--port") { Description = "The port to listen at; 0 takes a free one.", DefaultValueFactory = _ => port, HelpName = "N" };
        command.Options.Add(_host);
        command.Options.Add(_port);
        command.Options.Add(_workerSecret);
        _log = new(command);
    }

    public string Host(ParseResult parsed) => parsed.GetValue(_host)!;

    /// <exception cref="UsageException">It is no port.</exception>
    public int Port(ParseResult parsed) => parsed.GetValue(_port) is >= 0 and <= ushort.MaxValue and var number
        ? number : throw new UsageException($"{parsed.GetValue(_port)} is no port: ports go from 0 to 65535 (--port).");

    /// <summary>A time that a flag says in seconds.</summary>
    /// <exception cref="UsageException">It is not positive, or more than a day.</exception>
    public static TimeSpan Seconds(ParseResult parsed, Option<double> option) => parsed.GetValue(option) is > 0 and <= 86400 and var seconds
        ? TimeSpan.FromSeconds(seconds) : throw new UsageException($"{option.Name} is {parsed.GetValue(option)}: give more than 0 and at most 86400 seconds.");

    /// <summary>What controller and workers share; null: nothing.</summary>
    /// <exception cref="LlavaSharp.Serving.ServingException">The file cannot be read.</exception>
    public string? WorkerSecret(ParseResult parsed) => parsed.GetValue(_workerSecret) is { } path ? LlavaSharp.Serving.Security.WorkerSecret.Read(path) : null;

    /// <summary>Lines on standard error and in a file that begins anew every day.</summary>
    /// <param name="parsed">The flags.</param>
    /// <param name="name">The program's name in the lines.</param>
    /// <param name="file">The file's name; null: the program's.</param>
    public Action<ILoggingBuilder> Log(ParseResult parsed, string name, string? file = null) => _log.Provider(parsed, name, file);
}
