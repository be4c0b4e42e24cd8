using LlavaSharp.Native;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.IO;
using LlavaSharp.Imaging;
using LlavaSharp.Models;
using LlavaSharp.Training;
using static TorchSharp.torch;

namespace LlavaSharp.Data.Synth;

/// <summary>
/// Trains a CLIP vision tower, from nothing or from a finished one, on dense labels of the synthetic world: from the features that LLaVA will take, linear heads say of every patch
/// which colour and shape it shows, whether the object is big, and in which place its centre lies. The heads are dropped in the end.
/// </summary>
public sealed class SynthTowerPretraining : ITrainingTask<SynthPatchBatch>, IDisposable
{
    private const double SmallHeadWeight = 0.15;   // of size and place beside the class
    private const int Ignored = -100;
    private const string WeightsFile = "model.safetensors";
    private const string Heads = "heads";
    private const long EvaluationSeedOffset = 1_000_003;

    private readonly ClipVisionConfig _config;
    private readonly JsonObject _json;
    private readonly TrainableWeights _weights;
    private readonly ClipVisionTower _tower;
    private readonly Linear _class;
    private readonly Linear _size;
    private readonly Linear _place;
    private readonly ClipImageProcessor _processor;
    private readonly SynthSceneGenerator _scenes;
    private readonly SynthSceneGenerator _fresh;

    /// <summary>Creates the tower with random values, or with those of another.</summary>
    /// <param name="configFile">The tower's <c>config.json</c>; it is copied to the result.</param>
    /// <param name="seed">Of the initial values and of the scenes.</param>
    /// <param name="learningRate">AdamW's rate at its highest.</param>
    /// <param name="weightDecay">The decay of weights that are neither norms nor biases.</param>
    /// <param name="scenes">What the pictures look like; null: small ones, which are cheap.</param>
    /// <param name="start">The folder of a tower of these sizes to go on from; null: random values.</param>
    /// <exception cref="CheckpointException">The config or the tower to start from cannot be used.</exception>
    public SynthTowerPretraining(string configFile, long seed = 42, double learningRate = 2e-3, double weightDecay = 0.05, SynthSceneOptions? scenes = null, string? start = null)
    {
        ArgumentNullException.ThrowIfNull(configFile);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(configFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"The tower's config '{configFile}' cannot be read: {exception.Message}", configFile, innerException: exception);
        }
        _config = ClipVisionConfig.Parse(bytes, configFile);
        _json = (JsonObject)JsonNode.Parse(bytes)!;
        _weights = new TrainableWeights(new ModelInitializer(seed, _config));
        var root = new WeightScope(_weights);
        var body = root["vision_model"];
        _tower = new ClipVisionTower(_config, body, -2, "patch");
        // what lies behind the features belongs to the file as well: the last layer and the last norm keep their first values
        _ = new ClipVisionTower(_config, body, -1, "patch");
        _ = body["post_layernorm"].LayerNorm(_config.HiddenSize, _config.LayerNormEps);
        _class = root[Heads]["class"].Linear(_config.HiddenSize, SynthPatchLabels.ClassCount, bias: true);
        _size = root[Heads]["size"].Linear(_config.HiddenSize, 2, bias: true);
        _place = root[Heads]["place"].Linear(_config.HiddenSize, 9, bias: true);
        if (start is not null)
            StartFrom(start);
        _weights.Train(_ => true);
        Groups = ParameterGroup.Create(_weights.Trained, learningRate, weightDecay);
        _processor = new ClipImageProcessor(_config.ImageSize);
        _scenes = new(seed, scenes ?? SynthSceneOptions.Training);
        _fresh = new(seed + EvaluationSeedOffset, scenes ?? SynthSceneOptions.Training);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <inheritdoc/>
    public long? SampleCount => null;

    /// <inheritdoc/>
    public int EstimateLength(long index) => 1;

    /// <inheritdoc/>
    public SynthPatchBatch Prepare(IReadOnlyList<long> indices, CancellationToken cancellationToken) => Prepare(_scenes, indices, cancellationToken);

    /// <inheritdoc/>
    public (Tensor Loss, bool Counts) Loss(SynthPatchBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = NewDisposeScope();
        var features = Features(batch);                                                                 // [N * P, C]
        var small = CrossEntropy(_size.Forward(features), batch.Sizes).Plus(CrossEntropy(_place.Forward(features), batch.Places));
        var loss = CrossEntropy(_class.Forward(features), batch.Classes).Plus(small * Scalars.Of(SmallHeadWeight));
        return (loss.MoveToOuterDisposeScope(), true);
    }

    /// <summary>The shares of object patches of fresh scenes whose class, size and place the heads say right.</summary>
    /// <param name="count">How many scenes.</param>
    public (double Class, double Size, double Place) Evaluate(int count = 512)
    {
        const int Batch = 64;
        using var noGradient = no_grad();
        var right = new long[3];
        long all = 0;
        for (var first = 0; first < count; first += Batch)
        {
            using var scope = NewDisposeScope();
            var batch = Prepare(_fresh, [.. Enumerable.Range(first, Math.Min(Batch, count - first)).Select(i => (long)i)], CancellationToken.None);
            var features = Features(batch);                                                             // [N * P, C]
            var answers = new[] { _class, _size, _place }.Select(head => head.Forward(features).argmax(-1).data<long>().ToArray()).ToArray();
            for (var i = 0; i < batch.Sizes.Length; i++)
            {
                if (batch.Sizes[i] == Ignored)
                    continue;
                all++;
                right[0] += answers[0][i] == batch.Classes[i] ? 1 : 0;
                right[1] += answers[1][i] == batch.Sizes[i] ? 1 : 0;
                right[2] += answers[2][i] == batch.Places[i] ? 1 : 0;
            }
        }
        return ((double)right[0] / all, (double)right[1] / all, (double)right[2] / all);
    }

    /// <inheritdoc/>
    public void SaveCheckpoint(string folder)
    {
        TensorWriter.Write(Path.Combine(folder, WeightsFile), _weights.Tensors, StoredDataType.Float32);
        WriteConfig(folder);
    }

    /// <inheritdoc/>
    public void LoadCheckpoint(string folder)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        var found = _weights.Overwrite(file.Tensors);
        if (_weights.Trained.FirstOrDefault(t => !found.Contains(t.Key)).Key is { } missing)
            throw new TrainingException($"The checkpoint '{folder}' lacks '{missing}': it belongs to another run. Choose another output folder, or remove it.");
    }

    /// <inheritdoc/>
    public void SaveFinal(string folder)
    {
        Directory.CreateDirectory(folder);
        TensorWriter.Write(Path.Combine(folder, WeightsFile), _weights.Tensors.Where(t => !IsHead(t.Key)), StoredDataType.Float32);
        WriteConfig(folder);
    }

    /// <inheritdoc/>
    public void Dispose() => _weights.Dispose();

    private void StartFrom(string folder)
    {
        using var checkpoint = CheckpointFolder.Open(folder);
        var found = _weights.Overwrite(checkpoint.Tensors);
        if (_weights.Tensors.FirstOrDefault(t => !IsHead(t.Key) && !found.Contains(t.Key)).Key is { } missing)
            throw new CheckpointException($"The tower '{folder}' lacks '{missing}', which the config asks for.", checkpoint.ConfigPath, missing);
    }

    private static bool IsHead(string name) => name.StartsWith(Heads, StringComparison.Ordinal);

    private SynthPatchBatch Prepare(SynthSceneGenerator scenes, IReadOnlyList<long> indices, CancellationToken cancellationToken)
    {
        int side = _config.ImageSize, patches = _config.PatchCount, size = 3 * side * side;
        var batch = new SynthPatchBatch(
            GC.AllocateUninitializedArray<float>(indices.Count * size), new long[indices.Count * patches], new long[indices.Count * patches], new long[indices.Count * patches]);
        for (var i = 0; i < indices.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var scene = scenes.Create(indices[i]);
            var picture = SynthRenderer.Draw(scene);
            var pixels = ImagePreprocessor.Process([Image.FromRgb(picture.Width, picture.Height, picture.Rgb)], _processor, ImagePreprocessor.Pad)[0];
            pixels.Data.CopyTo(batch.Pixels.AsSpan(i * size));
            var labels = SynthPatchLabels.For(scene, _config.PatchesPerSide);
            for (var p = 0; p < patches; p++)
            {
                batch.Classes[i * patches + p] = labels.Classes[p];
                batch.Sizes[i * patches + p] = labels.Sizes[p] == SynthPatchLabels.None ? Ignored : labels.Sizes[p];
                batch.Places[i * patches + p] = labels.Places[p] == SynthPatchLabels.None ? Ignored : labels.Places[p];
            }
        }
        return batch;
    }

    private Tensor Features(SynthPatchBatch batch)
    {
        using var scope = NewDisposeScope();
        var count = batch.Classes.Length / _config.PatchCount;
        var pixels = tensor(batch.Pixels, [count, 3, _config.ImageSize, _config.ImageSize]);            // [N, 3, S, S]
        return _tower.Forward(pixels).reshape(-1, _config.HiddenSize).MoveToOuterDisposeScope();        // [N * P, C]
    }

    private static Tensor CrossEntropy(Tensor logits, long[] labels)
    {
        using var scope = NewDisposeScope();
        return nn.functional.cross_entropy(logits, tensor(labels), ignore_index: Ignored).MoveToOuterDisposeScope();
    }

    private void WriteConfig(string folder)
    {
        AtomicFile.WriteJson(Path.Combine(folder, "config.json"), _json);
        _processor.Save(folder);
    }
}
