using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Models;
using LlavaSharp.Prompts;
using LlavaSharp.Prompts.ChatTemplates;
using LlavaSharp.Tokenizers;
using static TorchSharp.torch;

namespace LlavaSharp;

/// <summary>
/// A loaded model that looks at pictures and talks about them. Calls may come from any thread; they are answered one after the other,
/// on the one thread that talks to libtorch.
/// </summary>
public sealed partial class LlavaModel : IGenerationEngine, IDisposable
{
    private readonly LoadedCheckpoint _checkpoint;
    private readonly ModelThread _thread;
    private readonly CompatibilityOptions _compatibility;
    private readonly PixelRounding _pixelRounding;
    private readonly CachedSequence? _sequence;
    private readonly ImageFeatureCache _features;
    private string? _sequenceAdapter;   // whose keys and values are kept
    private int _disposed;

    private LlavaModel(LoadedCheckpoint checkpoint, ModelThread thread, string name, LoadOptions options)
    {
        (_checkpoint, _thread, Name) = (checkpoint, thread, name);
        (_compatibility, _pixelRounding) = (options.Compatibility, options.PixelRounding);
        TemplateName = ConversationTemplates.NameFor(checkpoint.Config, name, checkpoint.ChatTemplate is not null);
        _chatTemplate = new Lazy<ChatTemplate?>(() => ParseChatTemplate(checkpoint, options.TimeProvider));
        _features = new(options.ImageCacheBytes);
        var language = checkpoint.Network.Language;
        UsesPromptLookup = options.PromptLookup
            ?? (language.IsBatchInvariant && language.CacheFormat != KeyValueFormat.Dense && checkpoint.Type == ScalarType.Float32);
        _sequence = options.PrefixReuse ? new(() => new(language.Layers, language.CacheFormat)) : null;
    }

    /// <summary>The name by which the original's rules know the model.</summary>
    public string Name { get; }

    /// <summary>The checkpoint's config.</summary>
    public LlavaConfig Config => _checkpoint.Config;

    /// <summary>The tokenizer, with the tokens that the config asks for.</summary>
    public Tokenizer Tokenizer => _checkpoint.Tokenizer;

    /// <summary>What turns pictures into pixel values, or null for a plain language model.</summary>
    public ClipImageProcessor? ImageProcessor => _checkpoint.ImageProcessor;

    /// <summary>The names of the adapters that requests may ask for; see <see cref="LoadOptions.Adapters"/>.</summary>
    public IReadOnlyList<string> Adapters => _checkpoint.Adapters.Names;

    /// <summary>Whether the model can see.</summary>
    public bool SeesImages => _checkpoint.Network.Tower is not null;

    /// <summary>
    /// The conversation template that goes with the model: what its config says; for a plain language model with a chat template of its own
    /// <see cref="ConversationTemplates.ChatTemplateName"/>; else the original's rules by name.
    /// </summary>
    public string TemplateName { get; }

    /// <summary>The device of computation, such as "cpu" or "cuda:0"; several with commas between.</summary>
    public string Device => _checkpoint.Devices.ToString();

    /// <summary>The type of computation, such as "float32".</summary>
    public string DataType => ComputeDevice.Name(_checkpoint.Type);

    /// <summary>The number of positions that prompt and answer may take together.</summary>
    public int ContextLength => Math.Min(
        (int)Math.Min(int.MaxValue, Config.MaxPositionEmbeddings * (Config.RopeScaling?.Factor ?? 1)), Config.TokenizerModelMaxLength ?? int.MaxValue);

    /// <summary>Whether tokens are guessed from the conversation and checked several at once; see <see cref="LoadOptions.PromptLookup"/>.</summary>
    public bool UsesPromptLookup { get; }

    LlavaModel IGenerationEngine.Model => this;

    internal LoadedCheckpoint Checkpoint => _checkpoint;

    internal ModelThread Thread => _thread;

    internal ImageFeatureCache Features => _features;

    internal PixelRounding PixelRounding => _pixelRounding;

    internal CompatibilityOptions Quirks => _compatibility;

    /// <summary>The ids that end an answer.</summary>
    internal IReadOnlyList<int> EndIds => _checkpoint.Defaults.EndOfSequenceIds is { Count: > 0 } ends ? ends : Config.EosTokenIds;

    /// <summary>The id that the repetition penalty counts beside the generated ones.</summary>
    internal int? StartId => _checkpoint.Defaults.BeginningOfSequenceId ?? Config.BosTokenId;

    /// <summary>Loads a model.</summary>
    /// <param name="modelPath">A checkpoint's folder or hub id; null: the embedded model.</param>
    /// <param name="options">How to load it.</param>
    /// <param name="cancellationToken">Gives up before the weights are read.</param>
    /// <exception cref="CheckpointException">The checkpoint is missing or malformed.</exception>
    /// <exception cref="LlavaException">An option names something unknown, or the machine lacks what it asks for.</exception>
    public static async Task<LlavaModel> LoadAsync(string? modelPath = null, LoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new LoadOptions();
        var path = modelPath ?? EmbeddedModel.Find();
        var name = options.ModelName ?? ModelNames.FromPath(path);
        var hub = options.Hub();
        var folder = await ModelLocator.ResolveAsync(path, hub, cancellationToken).ConfigureAwait(false);
        var basis = options.ModelBase is null ? null : await ModelLocator.ResolveAsync(options.ModelBase, hub, cancellationToken).ConfigureAwait(false);
        options = options with { Adapters = await ResolveAdaptersAsync(options.Adapters, name, hub, cancellationToken).ConfigureAwait(false) };
        var thread = new ModelThread($"LLaVA {name}");
        try
        {
            var checkpoint = await thread.Run(() => CheckpointLoader.Load(folder, basis, options)).ConfigureAwait(false);
            return new LlavaModel(checkpoint, thread, name, options);
        }
        catch
        {
            thread.Dispose();
            throw;
        }
    }

    /// <summary>The original's <c>load_pretrained_model</c>: loads a model and waits for it.</summary>
    /// <param name="modelPath">A checkpoint's folder or hub id.</param>
    /// <param name="modelBase">The language model that an adapter or projector belongs to.</param>
    /// <param name="modelName">The name by which a template is chosen; null: the last part of the path.</param>
    /// <param name="options">How to load it; its base and name are replaced by the ones given here.</param>
    /// <exception cref="LlavaException">As for <see cref="LoadAsync"/>.</exception>
    public static LlavaModel Load(string? modelPath = null, string? modelBase = null, string? modelName = null, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        return LoadAsync(modelPath, options with { ModelBase = modelBase ?? options.ModelBase, ModelName = modelName ?? options.ModelName }).GetAwaiter().GetResult();
    }

    /// <summary>The original's <c>get_model_name_from_path</c>: the last part of a path, with the one before it when it is a checkpoint of a training run.</summary>
    /// <exception cref="CheckpointException">The path has no such part.</exception>
    public static string GetModelNameFromPath(string modelPath) => ModelNames.FromPath(modelPath);

    /// <summary>Asks one question, about a picture or none, and streams the answer.</summary>
    /// <param name="question">The question; where it has no <c>&lt;image&gt;</c>, the picture stands in front of it.</param>
    /// <param name="image">The picture, or null.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="cancellationToken">Stops at the next token.</param>
    /// <exception cref="LlavaException">The prompt does not fit the model.</exception>
    public IAsyncEnumerable<string> ChatAsync(string question, Image? image = null, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        ChatAsync(question, image is null ? [] : [image], options, cancellationToken);

    /// <summary>Asks one question about several pictures and streams the answer.</summary>
    /// <param name="question">The question; where it has no <c>&lt;image&gt;</c>, one marker for each picture stands in front of it.</param>
    /// <param name="images">The pictures, in the order of their markers.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="cancellationToken">Stops at the next token.</param>
    /// <exception cref="LlavaException">The prompt does not fit the model.</exception>
    public async IAsyncEnumerable<string> ChatAsync(
        string question, IReadOnlyList<Image> images, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = CreateRequest(question, images, options);
        await foreach (var update in GenerateAsync(request, cancellationToken).ConfigureAwait(false))
            if (update.Text.Length > 0)
                yield return update.Text;
    }

    /// <summary>The prompt for one question under the model's template.</summary>
    /// <param name="question">The question; markers are put in front of it when it has none.</param>
    /// <param name="imageCount">How many pictures go with it.</param>
    /// <param name="template">Another template.</param>
    /// <exception cref="UnknownNameException">No such template.</exception>
    /// <exception cref="PromptException">The template cannot write it.</exception>
    public string CreatePrompt(string question, int imageCount, string? template = null) => CreateQuestion(question, imageCount, template).GetPrompt();

    /// <summary>Puts one picture marker for each picture in front of a text that has none, with start and end tokens where the model wants them.</summary>
    public string WithMarkers(string text, int imageCount)
    {
        if (imageCount == 0 || text.Contains(LlavaConstants.ImageToken, StringComparison.Ordinal))
            return text;
        return string.Concat(Enumerable.Repeat(ImageMarker + "\n", imageCount)) + text;
    }

    /// <summary>What stands for a picture in this model's prompts.</summary>
    public string ImageMarker => Config.MmUseImStartEnd
        ? LlavaConstants.ImageStartToken + LlavaConstants.ImageToken + LlavaConstants.ImageEndToken
        : LlavaConstants.ImageToken;

    /// <summary>Generates an answer and waits for the whole of it.</summary>
    /// <exception cref="LlavaException">The prompt does not fit the model, or an option is out of range.</exception>
    public async Task<GenerationResult> CompleteAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        GenerationResult? result = null;
        await foreach (var update in GenerateAsync(request, cancellationToken).ConfigureAwait(false))
            result = update.Result ?? result;
        return result!;
    }

    /// <summary>Generates an answer and streams it; the last update carries the whole result.</summary>
    /// <param name="request">Prompt, pictures and options.</param>
    /// <param name="cancellationToken">Stops at the next token.</param>
    /// <exception cref="ImageCountException">Markers and pictures differ in number.</exception>
    /// <exception cref="ContextLengthException">The prompt is longer than the context.</exception>
    /// <exception cref="GenerationException">An option is out of range.</exception>
    public async IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        ArgumentNullException.ThrowIfNull(request);
        var updates = Channel.CreateUnbounded<GenerationUpdate>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        // a caller that stops reading stops the generation, too
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = _thread.Run(() =>
        {
            try
            {
                Generate(request, updates.Writer, abandoned.Token);
                updates.Writer.Complete();
            }
            catch (Exception exception)
            {
                updates.Writer.Complete(exception);
            }
            return true;
        });
        try
        {
            while (await updates.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
                while (updates.Reader.TryRead(out var update))
                    yield return update;
        }
        finally
        {
            await abandoned.CancelAsync().ConfigureAwait(false);
            await running.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _thread.Invoke(() =>
        {
            _sequence?.Dispose();
            _features.Dispose();
            _checkpoint.Dispose();
            return true;
        });
        _thread.Dispose();
    }

    /// <summary>Runs work on the thread that talks to libtorch (for checks that look inside).</summary>
    internal T OnModelThread<T>(Func<T> work) => _thread.Invoke(work);

    private void Generate(GenerationRequest request, ChannelWriter<GenerationUpdate> updates, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var settings = request.Options.Resolve(_checkpoint.Defaults);
        var adapter = _checkpoint.Adapters.Find(request.Adapter, Name);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var adapted = _checkpoint.Adapters.Selection.All(adapter?.Index);
        // another adapter's keys are other keys
        if (_sequenceAdapter != adapter?.Name)
            _sequence?.Clear();
        _sequenceAdapter = adapter?.Name;
        var watch = Stopwatch.StartNew();
        var ids = EncodePrompt(request.Prompt, request.Images.Count, request.AddSpecialTokens);
        var pixels = PreparePixels(request.Images, adapter);
        var promptTokens = CountPrompt(ids, pixels);
        settings = settings with { MaxNewTokens = Math.Min(settings.MaxNewTokens, ContextLength - promptTokens) };
        UInt128[] pictures = [.. pixels.Select(picture => picture.ContentHash())];
        var (prompt, savedPictures) = Merge(ids, pixels, pictures, adapter);
        using var ownedPrompt = prompt;
        var imageSeconds = Lap(watch);
        var prefillSeconds = 0.0;
        var shown = "";
        var text = new TextStream(Tokenizer, settings.StopStrings, piece => shown += piece, keepsSpaces: settings.Constraint is not null);
        var generated = CreateGenerator(_sequence, UsesPromptLookup).Generate(
            prompt, settings, Put, () => prefillSeconds = Lap(watch), pictures: pictures, cancellation: cancellation);
        if (settings.NumBeams > 1)
            foreach (var id in generated.Ids)
                text.Put(id);
        text.End();
        var reason = text.Stopped ? FinishReason.StopString : generated.Ended ? FinishReason.Stop : FinishReason.Length;
        var answer = text.Stopped ? text.Text.Trim() : TextStream.Decode(Tokenizer, generated.Ids, keepsSpaces: settings.Constraint is not null).Trim();
        updates.TryWrite(new GenerationUpdate(shown, new GenerationResult(
            request.Prompt, ids, generated.Ids, answer, reason, promptTokens, new GenerationTimings(imageSeconds, prefillSeconds, Lap(watch)))
        {
            Saved = new(generated.ReusedPromptTokens, savedPictures, generated.GuessedTokens),
        }));

        bool Put(int id, GeneratedToken? token)
        {
            var goesOn = text.Put(id);
            updates.TryWrite(new GenerationUpdate(shown) { Token = token });
            shown = "";
            return goesOn;
        }
    }

    /// <summary>The prompt's ids; checks that markers and pictures go together.</summary>
    internal int[] EncodePrompt(string prompt, int imageCount, bool addSpecialTokens = true)
    {
        if (SeesImages && !addSpecialTokens)
            throw new PromptException("A prompt for a model that sees begins with the tokenizer's beginning token: leave AddSpecialTokens on.");
        var ids = !SeesImages ? Tokenizer.Encode(prompt, addSpecialTokens)
            : Config.ImageTokenId is { } marker ? ImageTokenSplitter.EncodeWhole(prompt, Tokenizer, marker)
            : ImageTokenSplitter.Encode(prompt, Tokenizer);
        if (!SeesImages)
            return imageCount == 0 ? ids : throw new LlavaException($"The model '{Name}' is a plain language model and cannot see the {imageCount} picture{(imageCount == 1 ? "" : "s")} given. Load a LLaVA checkpoint.");
        var markers = MarkerCount(ids);
        if (markers != imageCount && !(_compatibility.IgnoreSurplusPictures && markers < imageCount))
            throw new ImageCountException(markers, imageCount);
        return ids;
    }

    /// <summary>The positions that a prompt takes.</summary>
    /// <exception cref="ContextLengthException">The context has no room for it and a token of the answer.</exception>
    internal int CountPrompt(int[] ids, IReadOnlyList<PixelValues> pixels)
    {
        var count = ids.Count(id => id != LlavaConstants.ImageTokenIndex) + pixels.Take(MarkerCount(ids)).Sum(_checkpoint.Network.FeatureCount);
        return count < ContextLength ? count : throw new ContextLengthException(count, ContextLength);
    }

    /// <summary>The pixel values of pictures, as the config asks.</summary>
    internal IReadOnlyList<PixelValues> PreparePixels(IReadOnlyList<Image> images, LoadedAdapter? adapter = null) => images.Count == 0
        ? []
        : ImagePreprocessor.Process(images, ImageProcessor!, adapter is null ? Config.ImageAspectRatio : adapter.ImageAspectRatio, Config.ImageGridPinpoints, _compatibility);

    /// <summary>Encodes the pictures and puts them into the prompt; on the model's thread.</summary>
    internal MergedBatch Merge(int[] ids, IReadOnlyList<PixelValues> pixels, LoadedAdapter? adapter = null) =>
        Merge(ids, pixels, [.. pixels.Select(picture => picture.ContentHash())], adapter).Prompt;

    private (MergedBatch Prompt, int SavedPictures) Merge(int[] ids, IReadOnlyList<PixelValues> pixels, UInt128[] hashes, LoadedAdapter? adapter)
    {
        using var scope = NewDisposeScope();
        var (features, saved) = _features.Encode(
            pixels, [.. hashes.Select(hash => LoadedAdapter.PictureKey(adapter, hash))],
            missing => _checkpoint.Network.EncodeImages(missing, _checkpoint.Type, _checkpoint.Device, _pixelRounding, adapter?.Projector));
        return (_checkpoint.Network.Merge([ids], null, features, _checkpoint.Device, compatibility: _compatibility), saved);
    }

    /// <summary>A generator for this model; as it is by default, it keeps nothing and guesses nothing.</summary>
    internal TextGenerator CreateGenerator(CachedSequence? kept = null, bool promptLookup = false) => new(
        _checkpoint.Network.Language,
        EndIds,
        StartId,
        kept,
        promptLookup);

    // folders of adapters; a name must tell them from each other and from the model
    private static async Task<IReadOnlyList<AdapterSource>> ResolveAdaptersAsync(IReadOnlyList<AdapterSource> adapters, string model, HubOptions hub, CancellationToken cancellationToken)
    {
        var resolved = new List<AdapterSource>();
        foreach (var adapter in adapters)
        {
            if (string.IsNullOrWhiteSpace(adapter.Name))
                throw new LlavaException($"The adapter '{adapter.Path}' has no name. Give it one, by which requests ask for it.");
            if (adapter.Name == model || resolved.Exists(other => other.Name == adapter.Name))
                throw new LlavaException($"Two models would be called '{adapter.Name}'. Give the adapter '{adapter.Path}' another name.");
            resolved.Add(adapter with { Path = await ModelLocator.ResolveAsync(adapter.Path, hub, cancellationToken).ConfigureAwait(false) });
        }
        return resolved;
    }

    internal static int MarkerCount(int[] ids) => ids.Count(id => id == LlavaConstants.ImageTokenIndex);

    private static double Lap(Stopwatch watch)
    {
        var seconds = watch.Elapsed.TotalSeconds;
        watch.Restart();
        return seconds;
    }
}
