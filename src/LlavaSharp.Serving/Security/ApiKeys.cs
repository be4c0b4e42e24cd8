namespace LlavaSharp.Serving.Security;

/// <summary>The keys that a running server takes: those of a file, which is read again when it changes. Safe for concurrent use.</summary>
public sealed class ApiKeys
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);   // between looks at the file

    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly TimeProvider _clock;
    private readonly Action<string> _warn;
    private Dictionary<string, string> _names;   // by hash
    private DateTime _written;
    private long _looked;

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="clock">Tells when to look again.</param>
    /// <param name="warn">Told when a changed file cannot be read: the keys stay as they were.</param>
    /// <exception cref="ServingException">It cannot be read, is malformed, or has no key.</exception>
    public ApiKeys(string path, TimeProvider? clock = null, Action<string>? warn = null)
    {
        (_path, _clock, _warn) = (path, clock ?? TimeProvider.System, warn ?? (_ => { }));
        (_written, _looked) = (File.GetLastWriteTimeUtc(path), _clock.GetTimestamp());
        _names = Load();
        if (_names.Count == 0)
            throw new ServingException($"There is no key in '{path}'. Make one: llava keys create NAME --file {path}");
    }

    /// <summary>The name of a key; null: it is none.</summary>
    public string? NameOf(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        lock (_lock)
        {
            Refresh();
            // what is compared are hashes: how long it takes tells nothing about a key
            return _names.GetValueOrDefault(ApiKeyFile.Hash(key));
        }
    }

    private Dictionary<string, string> Load() => ApiKeyFile.Read(_path).Keys.GroupBy(key => key.Hash).ToDictionary(group => group.Key, group => group.First().Name, StringComparer.Ordinal);

    private void Refresh()
    {
        if (_clock.GetElapsedTime(_looked) < _interval)
            return;
        _looked = _clock.GetTimestamp();
        var written = File.GetLastWriteTimeUtc(_path);
        if (written == _written)
            return;
        _written = written;
        try
        {
            _names = Load();
        }
        catch (ServingException exception)
        {
            _warn(exception.Message);
        }
    }
}
