using System.Globalization;
using System.Text;

namespace LlavaSharp.Serving.Hosting;

/// <summary>
/// A log that begins anew every day, as Python's <c>TimedRotatingFileHandler(when='D', utc=True)</c>: a day after its last line before the start (or after the start)
/// the file is renamed to its name with the date. A disk that is full or gone never stops who writes.
/// </summary>
internal sealed class LogFile : IDisposable
{
    private static readonly TimeSpan _day = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly TimeProvider _clock;
    private DateTimeOffset _next;
    private StreamWriter? _writer;

    /// <param name="path">The file; lines are added to it.</param>
    /// <param name="clock">What time it is.</param>
    public LogFile(string path, TimeProvider clock)
    {
        (_path, _clock) = (Path.GetFullPath(path), clock);
        var begun = File.Exists(_path) ? new DateTimeOffset(File.GetLastWriteTimeUtc(_path)) : clock.GetUtcNow();
        _next = begun + _day;
    }

    /// <summary>Where it lies.</summary>
    public string Location => _path;

    /// <summary>Why the last line could not be written; null: it could.</summary>
    public string? Problem { get; private set; }

    /// <summary>Adds a line.</summary>
    public void Write(string line)
    {
        lock (_lock)
        {
            try
            {
                Rotate();
                _writer ??= Open();
                _writer.Write(line);
                _writer.Write('\n');
                _writer.Flush();
                Problem = null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Problem = exception.Message;
                Close();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
            Close();
    }

    private StreamWriter Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        return new(new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete), new UTF8Encoding(false));
    }

    private void Rotate()
    {
        var now = _clock.GetUtcNow();
        if (now < _next)
            return;
        Close();
        if (File.Exists(_path))
            File.Move(_path, string.Create(CultureInfo.InvariantCulture, $"{_path}.{_next - _day:yyyy-MM-dd}"), overwrite: true);
        while (_next <= now)
            _next += _day;
    }

    private void Close()
    {
        try
        {
            _writer?.Dispose();
        }
        catch (IOException)
        {
            // what could not be written before cannot be now
        }
        _writer = null;
    }
}
