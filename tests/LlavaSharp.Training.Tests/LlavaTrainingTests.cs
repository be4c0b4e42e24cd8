using LlavaSharp.Checkpoints;
using LlavaSharp.Data.Synth;
using LlavaSharp.Imaging;
using LlavaSharp.Native;
using TorchSharp;

namespace LlavaSharp.Training.Tests;

/// <summary>Whole runs of a tiny model in the synthetic world.</summary>
[Collection(nameof(TrainingRuns))]
public sealed class LlavaTrainingTests : IDisposable
{
    private const string Tower =
        """{"model_type":"clip_vision_model","hidden_size":16,"intermediate_size":32,"num_attention_heads":2,"num_hidden_layers":3,"image_size":32,"patch_size":8,"hidden_act":"quick_gelu"}""";

    private const string Language =
        """{"model_type":"llama","hidden_size":16,"intermediate_size":32,"num_attention_heads":2,"num_hidden_layers":2,"vocab_size":400,"max_position_embeddings":512}""";

    private readonly TemporaryFolder _folder = new();

    static LlavaTrainingTests() => TorchRuntime.Initialize();

    public LlavaTrainingTests()
    {
        Directory.CreateDirectory(_folder["base"]);
        File.WriteAllText(Path.Combine(_folder["base"], "config.json"), Language);
        SynthTokenizer.TrainTo(_folder["base"], 400, conversations: 50);
        File.WriteAllText(_folder["tower.json"], Tower);
        using var pretraining = new SynthTowerPretraining(_folder["tower.json"]);
        new Trainer<SynthPatchBatch>(pretraining, Options("tower", 1)).Run();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_AllThreeStages_LeaveWhatTheNextOneTakes()
    {
        using (var text = TrainingModel.Load(new TrainingModelOptions { ModelPath = _folder["base"], RandomInit = true, Version = "v1" }))
            Train(text, "synth:text,turns=2,seed=1", "text", 2);
        Assert.Equal("LlamaForCausalLM", LlavaConfig.Load(Path.Combine(_folder["text"], "config.json")).Architectures[0]);

        using (var align = TrainingModel.Load(Visual("text") with { Version = "plain", TuneProjectorOnly = true }))
        {
            Assert.All(align.Weights.Trained, t => Assert.Contains("mm_projector", t.Key));
            var before = Snapshot(align);
            Train(align, "synth:describe,seed=2", "align", 2);
            Assert.Equal(before.Keys.Where(name => name.Contains("mm_projector", StringComparison.Ordinal)).Order(), Changed(before, Snapshot(align)));
        }
        using (var projector = ProjectorFile.Open(_folder["align"]))
            Assert.Equal(4, projector.Layers.Count);

        using (var whole = TrainingModel.Load(Visual("text") with { PretrainedProjector = Path.Combine(_folder["align"], "mm_projector.bin"), TrainTower = true, SaveType = StoredDataType.Float16 }))
            Train(whole, "synth:turns=2,seed=3", "llava", 3);
        using var result = CheckpointFolder.Open(_folder["llava"]);
        Assert.Equal("vision_tower", result.Config.MmVisionTower);
        Assert.Equal(["LlavaLlamaForCausalLM"], result.Config.Architectures);
        Assert.All(result.Tensors.Values, t => Assert.Equal(StoredDataType.Float16, t.DataType));
        Assert.Contains("model.mm_projector.2.weight", result.Tensors.Keys);
        using var tower = CheckpointFolder.Open(Path.Combine(_folder["llava"], "vision_tower"));
        Assert.Contains("vision_model.post_layernorm.weight", tower.Tensors.Keys);
        Assert.True(File.Exists(Path.Combine(_folder["llava"], "tokenizer.model")));
    }

    [Fact]
    public void Run_TowerTrained_InterruptedAndResumed_SameWeights()
    {
        var options = Visual("base") with { RandomInit = true, TrainTower = true };
        using var whole = TrainingModel.Load(options);
        Train(whole, "synth:turns=2,seed=3", "whole", 4);
        using (var first = TrainingModel.Load(options))
        {
            // stopped after two updates: the schedule is that of four
            using var stop = new CancellationTokenSource();
            var run = Options("parts", 4) with { LoggingSteps = 1, Log = entry => { if (entry.Step == 2) stop.Cancel(); } };
            Assert.False(new Trainer<TrainingBatch>(Task(first, "synth:turns=2,seed=3"), run).Run(stop.Token).Finished);
        }
        using var second = TrainingModel.Load(options with { Seed = 999 });
        Train(second, "synth:turns=2,seed=3", "parts", 4);
        Assert.Empty(Changed(Snapshot(whole), Snapshot(second)));
    }

    [Fact]
    public void Run_ManySteps_NoTensorIsLeft()
    {
        using var model = TrainingModel.Load(Visual("base") with { RandomInit = true, TrainTower = true });
        var counts = new List<long>();
        var living = TensorCount.Start();
        new Trainer<TrainingBatch>(Task(model, "synth:turns=2,seed=4"), Options("count", 8) with { LoggingSteps = 1, Log = _ => counts.Add(living.Living) }).Run(TestContext.Current.CancellationToken);
        Assert.Single(counts.Skip(3).Distinct());
    }

    [Fact]
    public void Loss_NothingLearned_ZeroGradientsAndNotCounted()
    {
        using var scope = torch.NewDisposeScope();
        using var model = TrainingModel.Load(Visual("base") with { RandomInit = true });
        var picture = new PixelValues(new float[3 * 32 * 32], 1, 32, 32, (32, 32), HasTileAxis: false);
        var task = Task(model, "synth:seed=1");
        var (loss, counts) = task.Loss(new TrainingBatch([0], [new TrainingSample(new EncodedConversation([1, -200, 5], [-100, -100, -100]), picture)]));
        loss.backward();
        Assert.False(counts);
        foreach (var (name, tensor) in model.Weights.Trained)
            Assert.True(tensor.grad is not null && tensor.grad.abs().max().item<float>() == 0, name);
    }

    [Fact]
    public void Loss_TextOnlyBatch_ProjectorHasZeroGradients()
    {
        using var scope = torch.NewDisposeScope();
        using var model = TrainingModel.Load(Visual("base") with { RandomInit = true });
        var picture = new PixelValues(new float[3 * 32 * 32], 1, 32, 32, (32, 32), HasTileAxis: false);
        var (loss, counts) = Task(model, "synth:seed=1").Loss(new TrainingBatch([0], [new TrainingSample(new EncodedConversation([1, 4, 5], [-100, 4, 5]), picture)]));
        loss.backward();
        Assert.True(counts);
        Assert.Equal(0, model.Weights.Get("model.mm_projector.0.weight", 16, 16).grad!.abs().max().item<float>());
    }

    [Fact]
    public void Loss_PaddedBatch_SameAsEachRowAlone()
    {
        using var scope = torch.NewDisposeScope();
        using var model = TrainingModel.Load(new TrainingModelOptions { ModelPath = _folder["base"], RandomInit = true, Version = "v1" });
        var task = Task(model, "synth:text,turns=1");
        TrainingSample Sample(int[] ids) => new(new EncodedConversation(ids, [.. ids.Select((id, i) => i < 2 ? -100L : id)]), null);
        var (longer, shorter) = (Sample([1, 5, 6, 7, 8, 9]), Sample([1, 9, 8, 7]));
        var both = task.Loss(new TrainingBatch([0, 1], [longer, shorter])).Loss.item<float>();
        var one = task.Loss(new TrainingBatch([0], [longer])).Loss.item<float>();
        var two = task.Loss(new TrainingBatch([0], [shorter])).Loss.item<float>();
        Assert.Equal((4 * one + 2 * two) / 6, both, 1e-5f);
    }

    [Fact]
    public void Load_WeightsMissing_SaysSo() =>
        Assert.Throws<CheckpointException>(() => TrainingModel.Load(new TrainingModelOptions { ModelPath = _folder["base"], Version = "v1" }));

    [Fact]
    public void Load_TowerTrainedWithoutTower_SaysSo() =>
        Assert.Throws<TrainingException>(() => TrainingModel.Load(new TrainingModelOptions { ModelPath = _folder["base"], RandomInit = true, TrainTower = true }));

    [Fact]
    public void Load_HuggingFaceLayout_IsRefused()
    {
        Directory.CreateDirectory(_folder["hf"]);
        File.WriteAllText(Path.Combine(_folder["hf"], "config.json"), """{"model_type":"llava","text_config":{"model_type":"llama","vocab_size":400}}""");
        Assert.Contains("Hugging Face layout", Assert.Throws<TrainingException>(() => TrainingModel.Load(Visual("hf") with { RandomInit = true })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_FreshTower_KnowsNothingYet()
    {
        using var pretraining = new SynthTowerPretraining(_folder["tower.json"]);
        var (patches, _, _) = pretraining.Evaluate(64);
        Assert.InRange(patches, 0, 0.5);
    }

    [Fact]
    public void SaveFinal_TowerStartedFromAnother_IsThatOneUntilItIsTrained()
    {
        using (var pretraining = new SynthTowerPretraining(_folder["tower.json"], seed: 7, start: _folder["tower"]))
            pretraining.SaveFinal(_folder["again"]);
        using var before = CheckpointFolder.Open(_folder["tower"]);
        using var after = CheckpointFolder.Open(_folder["again"]);
        Assert.Equal(before.Tensors.Keys.Order(), after.Tensors.Keys.Order());
        Assert.All(before.Tensors, tensor => Assert.Equal(tensor.Value.ToSingles(), after.Get(tensor.Key).ToSingles()));
    }

    [Fact]
    public void Start_TowerOfOtherSizes_IsRefused()
    {
        File.WriteAllText(_folder["wide.json"], Tower.Replace("\"hidden_size\":16", "\"hidden_size\":32", StringComparison.Ordinal));
        Assert.Contains("vision_model", Assert.Throws<CheckpointException>(() => new SynthTowerPretraining(_folder["wide.json"], start: _folder["tower"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_TowerWithFewerLayers_SaysWhatIsMissing()
    {
        File.WriteAllText(_folder["deep.json"], Tower.Replace("\"num_hidden_layers\":3", "\"num_hidden_layers\":4", StringComparison.Ordinal));
        Assert.Contains("layers.3", Assert.Throws<CheckpointException>(() => new SynthTowerPretraining(_folder["deep.json"], start: _folder["tower"])).Message, StringComparison.Ordinal);
    }

    private TrainingModelOptions Visual(string model) => new()
    {
        ModelPath = _folder[model],
        VisionTower = _folder["tower"],
        VisionSelectLayer = -2,
        ProjectorType = "mlp2x_gelu",
        ImageAspectRatio = "pad",
        Version = "v1",
        ModelMaxLength = 512,
        LearningRate = 1e-3,
        WeightDecay = 0.05,
    };

    private TrainerOptions Options(string output, long steps) => new()
    {
        OutputDirectory = _folder[output],
        MaxSteps = steps,
        BatchSize = 3,
        Schedule = ScheduleKind.Cosine,
    };

    private static LlavaTrainingTask Task(TrainingModel model, string source)
    {
        var encoder = new ConversationEncoder(model.Tokenizer, model.Options.Version, 512);
        var conversations = new SynthConversationSource(SynthConversationSourceOptions.Parse(source));
        return new LlavaTrainingTask(model, model.Processor is { } processor
            ? new ConversationData(conversations, encoder, image => ImagePreprocessor.Process([image], processor, "pad")[0], processor.CropHeight)
            : new ConversationData(conversations, encoder));
    }

    private void Train(TrainingModel model, string source, string output, long steps) =>
        Assert.True(new Trainer<TrainingBatch>(Task(model, source), Options(output, steps)).Run(TestContext.Current.CancellationToken).Finished);

    private static Dictionary<string, float[]> Snapshot(TrainingModel model) =>
        model.Weights.Tensors.ToDictionary(t => t.Key, t => t.Value.detach().data<float>().ToArray(), StringComparer.Ordinal);

    private static IEnumerable<string> Changed(Dictionary<string, float[]> before, Dictionary<string, float[]> after) =>
        before.Keys.Where(name => !before[name].AsSpan().SequenceEqual(after[name])).Order();
}
