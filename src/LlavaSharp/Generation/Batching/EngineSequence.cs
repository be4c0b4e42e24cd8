using System.Runtime.InteropServices;
using System.Threading.Channels;
using LlavaSharp.Imaging;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation.Batching;

/// <summary>A request on its way through the engine: what the scheduler knows of it, its pictures and embeddings, its sampler, and the channel to its caller.</summary>
internal sealed class EngineSequence : ScheduledSequence, IDisposable
{
    private readonly List<int> _history = [];
    private readonly int _historyStart;
    private readonly Sampler _sampler;
    private readonly TextStream _text;
    private readonly LlavaModel _model;
    private string _shown = "";

    public EngineSequence(LlavaModel model, GenerationRequest request, GenerationSettings settings, int[] ids, IReadOnlyList<PixelValues> pixels, int promptTokens, bool mayShare, LoadedAdapter? adapter, CancellationToken cancellation)
        : base(request.Client ?? "", adapter?.Salt ?? default, mayShare)
    {
        (_model, Request, Settings, Ids, Pixels, PromptTokens, Cancellation) = (model, request, settings, ids, pixels, promptTokens, cancellation);
        Adapter = adapter;
        Hashes = [.. pixels.Select(picture => LoadedAdapter.PictureKey(adapter, picture.ContentHash()))];
        Features = new Tensor?[pixels.Count];
        _sampler = new Sampler(settings, model.EndIds);
        _text = new TextStream(model.Tokenizer, settings.StopStrings, piece => _shown += piece, keepsSpaces: settings.Constraint is not null);
        if (model.StartId is { } start)
            _history.Add(start);
        _historyStart = _history.Count;
    }

    public GenerationRequest Request { get; }

    public GenerationSettings Settings { get; }

    /// <summary>The adapter that answers; null: the model as it is.</summary>
    public LoadedAdapter? Adapter { get; }

    public int[] Ids { get; }

    public IReadOnlyList<PixelValues> Pixels { get; }

    public UInt128[] Hashes { get; }

    /// <summary>The positions of the prompt.</summary>
    public int PromptTokens { get; }

    public CancellationToken Cancellation { get; }

    public Channel<GenerationUpdate> Updates { get; } = Channel.CreateUnbounded<GenerationUpdate>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    /// <summary>The features of the pictures so far [features, C].</summary>
    public Tensor?[] Features { get; }

    /// <summary>The picture that is being encoded.</summary>
    public PictureEncoding? Encoding { get; set; }

    /// <summary>The prompt's embeddings [1, T, C], once all pictures are encoded.</summary>
    public MergedBatch? Prompt { get; private set; }

    /// <summary>Pictures whose features were held.</summary>
    public int SavedPictures { get; set; }

    public long Arrived { get; init; }

    public long? Prepared { get; private set; }

    public long? LastToken { get; set; }

    public long? FirstToken { get; set; }

    public double ImageSeconds { get; set; }

    /// <summary>The prompt is ready to be computed.</summary>
    public void SetPrompt(MergedBatch prompt, long now)
    {
        Prompt = prompt;
        Prepared = now;
        foreach (var features in Features)
            features?.Dispose();
        SetPrompt(PositionKey.Of(prompt.Plan.Rows[0], Hashes));
    }

    /// <summary>Chooses the next token.</summary>
    /// <returns>Whether the answer goes on.</returns>
    public bool Choose(Span<float> logits)
    {
        var id = _sampler.Next(logits, CollectionsMarshal.AsSpan(_history));
        _history.Add(id);
        Append(id);
        var goesOn = _text.Put(id);
        Updates.Writer.TryWrite(new GenerationUpdate(_shown) { Token = _sampler.LastToken });
        _shown = "";
        if (_model.EndIds.Contains(id) || _sampler.IsComplete)
            Reason = FinishReason.Stop;
        else if (!goesOn)
            Reason = FinishReason.StopString;
        else if (_history.Count - _historyStart >= Settings.MaxNewTokens)
            Reason = FinishReason.Length;
        return Reason is null;
    }

    /// <summary>Why the answer ended; null while it goes on.</summary>
    public FinishReason? Reason { get; private set; }

    /// <summary>Hands the whole answer to the caller.</summary>
    public GenerationResult Finish(GenerationTimings timings)
    {
        _text.End();
        List<int> generated = [.. _history.Skip(_historyStart)];
        // a stop string may be complete only with what was held back
        var reason = _text.Stopped ? FinishReason.StopString : Reason ?? FinishReason.Length;
        var answer = _text.Stopped ? _text.Text.Trim() : TextStream.Decode(_model.Tokenizer, generated, keepsSpaces: Settings.Constraint is not null).Trim();
        var result = new GenerationResult(Request.Prompt, Ids, generated, answer, reason, PromptTokens, timings) { Saved = new(Reused, SavedPictures, 0) };
        Updates.Writer.TryWrite(new GenerationUpdate(_shown, result));
        Updates.Writer.TryComplete();
        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Encoding?.Dispose();
        Encoding = null;
        if (Prompt is null)
            foreach (var features in Features)
                features?.Dispose();
        Prompt?.Dispose();
    }
}
