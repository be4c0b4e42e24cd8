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
    private bool IsJson => asJson;

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
            Write($"{time} | {word} | {name} | {text}");
        }
    }

    private void WriteJson(string name, LogLevel level, string message, Exception? exception, object? state)
    {
        var json = new JsonObject { ["time"] = clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture), ["level"] = level.ToString(), ["logger"] = name, ["message"] = message };
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
        Write(json.ToJsonString());
    }

    private void Write(string line)
    {
        lock (console)
            console.WriteLine(line);
        file?.Write(line);
    }

    private sealed class Logger(LogLines owner, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (owner.IsJson)
                owner.WriteJson(name, logLevel, formatter(state, exception), exception, state);
            else
                owner.Write(name, logLevel, formatter(state, exception), exception);
        }
    }
}
