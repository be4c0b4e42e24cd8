using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Hosting;

/// <summary>Writes log lines as the original does, <c>time | level | name | message</c>, or as JSON objects, to the console and to a file.</summary>
/// <param name="name">The program's name in the lines.</param>
/// <param name="console">The console.</param>
/// <param name="file">The file, or null.</param>
/// <param name="clock">What time it is; lines say the local time, objects universal time.</param>
/// <param name="asJson">An object a line, with the values that a message was made of.</param>
internal sealed class LogLines(string name, TextWriter console, LogFile? file, TimeProvider clock, bool asJson = false) : ILoggerProvider
{
    private int _fileFails;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName == AccessLog.Category ? categoryName : name);

    /// <inheritdoc/>
    public void Dispose() => file?.Dispose();

    private void Write(string logger, LogLevel level, string message, Exception? exception, object? state)
    {
        foreach (var line in Lines(logger, level, message, exception, state))
        {
            Show(line);
            file?.Write(line);
        }
        // told once, not with every line, and on the console, which is the only place left
        if (file is not null && Interlocked.Exchange(ref _fileFails, file.Problem is null ? 0 : 1) == 0 && file.Problem is { } problem)
            foreach (var line in Lines(logger, LogLevel.Error, $"The log file {file.Location} cannot be written: {problem} The server goes on without it.", null, null))
                Show(line);
    }

    private IEnumerable<string> Lines(string logger, LogLevel level, string message, Exception? exception, object? state)
    {
        if (asJson)
            return [Json(logger, level, message, exception, state)];
        var word = level switch
        {
            LogLevel.Critical => "CRITICAL",
            LogLevel.Error => "ERROR",
            LogLevel.Warning => "WARNING",
            LogLevel.Information => "INFO",
            _ => "DEBUG",
        };
        var time = clock.GetLocalNow().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        return $"{message}{(exception is null ? "" : $"\n{exception}")}".ReplaceLineEndings("\n").Split('\n').Select(text => $"{time} | {word} | {logger} | {text}");
    }

    private string Json(string logger, LogLevel level, string message, Exception? exception, object? state)
    {
        var json = new JsonObject { ["time"] = clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture), ["level"] = level.ToString(), ["logger"] = logger, ["message"] = message };
        if (exception is not null)
            json["exception"] = exception.ToString();
        if (state is IEnumerable<KeyValuePair<string, object?>> values)
        {
            var named = new JsonObject();
            foreach (var (key, value) in values)
                if (key != "{OriginalFormat}")
                    named[key] = Convert.ToString(value, CultureInfo.InvariantCulture);
            if (named.Count > 0)
                json["values"] = named;
        }
        return json.ToJsonString();
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
            owner.Write(name, logLevel, formatter(state, exception), exception, state);
    }
}
