namespace LlavaSharp.Benchmarking.Peer;

/// <summary>llama.cpp over one model file, for a thread that waits for it.</summary>
internal sealed class LlamaCppSubject : IBenchPeer
{
    private const int Pad = 256;   // llama.cpp rounds contexts up to it
    private readonly LlamaCppPeer _process;
    private readonly string _file;
    private readonly int _threads;
    private readonly int _context;
    private readonly int _batch;
    private readonly CancellationToken _cancellation;
    private PeerLoad? _loaded;

    /// <summary>Starts the process; it loads nothing yet.</summary>
    public LlamaCppSubject(LlamaCppInstallation installation, string file, BenchOptions options, CancellationToken cancellation)
    {
        _process = LlamaCppPeer.Start(installation);
        (_file, _threads, _cancellation) = (file, options.Threads, cancellation);
        _batch = Math.Max(options.PromptTokens, options.Sequences);   // a prompt in one piece
        _context = (Math.Max(options.PromptTokens, options.ContextTokens + options.Steps) + Pad - 1) / Pad * Pad;
    }

    /// <inheritdoc/>
    public string Description => _loaded is null ? "llama.cpp" : $"llama.cpp {_loaded.Release} ({_loaded.Variant ?? "unknown variant"}), {_loaded.Description}, node-llama-cpp {LlamaCppInstallation.Version}";

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<int>> LastTokens { get; private set; } = [];

    /// <inheritdoc/>
    public double Load()
    {
        _loaded = Wait(_process.LoadAsync(_file, _threads, _context, _batch, cancellationToken: _cancellation));
        return _loaded.Seconds;
    }

    /// <inheritdoc/>
    public double Prefill(IReadOnlyList<int> ids) => Wait(_process.PrefillAsync(ids, _cancellation));

    /// <inheritdoc/>
    public double Decode(IReadOnlyList<int> ids, IReadOnlyList<int> first, int steps)
    {
        var decoded = Wait(_process.DecodeAsync(ids, first, steps, _cancellation));
        LastTokens = decoded.Ids;
        return decoded.Seconds;
    }

    /// <inheritdoc/>
    public double Memory() => Wait(_process.MemoryAsync(_cancellation)).Resident;

    /// <inheritdoc/>
    public void Dispose() => _process.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
