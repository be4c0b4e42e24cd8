using System.Globalization;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Hosting;

/// <summary>Writes log lines as the original does, <c>time | level | name | message</c>, to the console and to a file.</summary>
/// <param name="name">The program's name in the lines.</param>
/// <param name="console">The console.</param>
/// <param name="file">The file, or null.</param>
/// <param name="clock">What time it is; lines say the local time.</param>
internal sealed class LogLines(string name, TextWriter console, LogFile? file, TimeProvider clock) : ILoggerProvider
{
    private int _fileFails;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName == AccessLog.Category ? categoryName : name);

    /// <inheritdoc/>
    public void Dispose() => file?.Dispose();

    private void Write(string name, LogLevel level, string message, Exception? exception)
    {
        var word = level switch
        {
            LogLevel.Critical => "CRITICAL",
            LogLevel.Error => "ERROR",
            LogLevel.Warning => "WARNING",
            LogLevel.Information => "INFO",
            _ => "DEBUG",
        };
        var time = clock.GetLocalNow().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        foreach (var text in $"{message}{(exception is null ? "" : $"\n{exception}")}".ReplaceLineEndings("\n").Split('\n'))
        {
            var line = $"{time} | {word} | {name} | {text}";
            Show(line);
            file?.Write(line);
        }
        // told once, not with every line, and on the console, which is the only place left
        if (file is not null && Interlocked.Exchange(ref _fileFails, file.Problem is null ? 0 : 1) == 0 && file.Problem is { } problem)
            Show($"{time} | ERROR | {name} | The log file {file.Location} cannot be written: {problem} The server goes on without it.");
    }

    private void Show(string line)
    {
        try
        {
            lock (console)
                console.WriteLine(line);
        }
        catch (IOException)
        {
            // a console on a full disk must not fail the request whose line it is
        }
    }

    private sealed class Logger(LogLines owner, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner.Write(name, logLevel, formatter(state, exception), exception);
    }
}
