using System.CommandLine;
using LlavaSharp.Checkpoints;
using LlavaSharp.Data.Synth;
using LlavaSharp.Imaging;
using LlavaSharp.Training;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava train</c>: the original's <c>llava.train.train_mem</c>, in one process.</summary>
public static class TrainCommand
{
    /// <summary>The command with its verb <c>tower</c>.</summary>
    public static Command Create()
    {
        var command = new Command("train", "Train a LLaVA model: feature alignment, visual instruction tuning, or a language model alone.");
        var flags = new Flags(command);
        command.Subcommands.Add(TrainTowerCommand.Create());
        // synchronous, so that Ctrl-C is ours: the update in progress is finished and saved
        command.SetAction(parsed => Run(flags, parsed));
        return command;
    }

    private static int Run(Flags flags, ParseResult parsed)
    {
        // what can be refused at once is refused before libtorch and a model are loaded
        var dataPath = parsed.GetValue(flags.DataPath)!;
        var modelOptions = ReadModelOptions(flags, parsed);
        var batchSize = parsed.GetValue(flags.BatchSize);
        var trainerOptions = ReadTrainerOptions(flags, parsed, parsed.GetValue(flags.OutputDirectory)!, batchSize);
        trainerOptions.Validate();
        TrainingRun.Start(parsed.GetValue(flags.Threads));
        using var model = TrainingModel.Load(modelOptions, batchSize);
        if (model.Weights.Initialized.Count > 0)
            Console.Error.WriteLine($"{model.Weights.Initialized.Count} tensors start from random values, such as {model.Weights.Initialized[0]}");
        IConversationSource source = dataPath.StartsWith(SynthConversationSourceOptions.Scheme, StringComparison.Ordinal)
            ? new SynthConversationSource(SynthConversationSourceOptions.Parse(dataPath))
            : LlavaJsonDataset.Load(dataPath, parsed.GetValue(flags.ImageFolder));
        var encoder = new ConversationEncoder(model.Tokenizer, modelOptions.Version, modelOptions.ModelMaxLength);
        var aspect = modelOptions.ImageAspectRatio == ImagePreprocessor.Pad ? ImagePreprocessor.Pad : null;
        var data = model.Processor is { } processor
            ? new ConversationData(source, encoder, image => ImagePreprocessor.Process([image], processor, aspect)[0], processor.CropHeight)
            : new ConversationData(source, encoder);
        var warnings = 0;
        var task = new LlavaTrainingTask(model, data, Warn);
        return TrainingRun.Run(task, trainerOptions);

        void Warn(string line)
        {
            // one bad file can hold a million such samples
            if (Interlocked.Increment(ref warnings) <= 10)
                Console.Error.WriteLine($"WARNING: {line}");
        }
    }

    private static TrainingModelOptions ReadModelOptions(Flags flags, ParseResult parsed) => new()
    {
        ModelPath = parsed.GetValue(flags.ModelPath)!,
        RandomInit = parsed.GetValue(flags.RandomInit),
        VisionTower = parsed.GetValue(flags.VisionTower),
        VisionSelectLayer = parsed.GetValue(flags.SelectLayer),
        VisionSelectFeature = Known("feature of the tower (--mm_vision_select_feature)", parsed.GetValue(flags.SelectFeature)!, ["patch", "cls_patch"]),
        ProjectorType = parsed.GetValue(flags.ProjectorType)!,
        PretrainedProjector = parsed.GetValue(flags.PretrainedProjector),
        TuneProjectorOnly = parsed.GetValue(flags.TuneProjector),
        FreezeProjector = parsed.GetValue(flags.FreezeProjector),
        FreezeBackbone = parsed.GetValue(flags.FreezeBackbone),
        TrainTower = parsed.GetValue(flags.TrainTower),
        LearningRate = parsed.GetValue(flags.LearningRate),
        ProjectorLearningRate = parsed.GetValue(flags.ProjectorRate),
        TowerLearningRate = parsed.GetValue(flags.TowerRate),
        WeightDecay = parsed.GetValue(flags.WeightDecay),
        ImageAspectRatio = Known("image aspect ratio for training (--image_aspect_ratio)", parsed.GetValue(flags.AspectRatio)!, ["square", ImagePreprocessor.Pad]),
        ModelMaxLength = parsed.GetValue(flags.ModelMaxLength),
        Version = ConversationEncoder.FormatOfVersion(parsed.GetValue(flags.Version)!),
        Seed = parsed.GetValue(flags.Seed),
        SaveType = parsed.GetValue(flags.SaveType) switch
        {
            "float32" => StoredDataType.Float32,
            "float16" => StoredDataType.Float16,
            "bfloat16" => StoredDataType.BFloat16,
            var other => throw new UnknownNameException("data type to save in", other ?? "", ["float32", "float16", "bfloat16"]),
        },
    };

    private static string Known(string kind, string given, string[] names) => names.Contains(given) ? given : throw new UnknownNameException(kind, given, names);

    private static TrainerOptions ReadTrainerOptions(Flags flags, ParseResult parsed, string output, int batchSize) => new()
    {
        OutputDirectory = output,
        Epochs = parsed.GetValue(flags.Epochs),
        MaxSteps = Math.Max(0, parsed.GetValue(flags.MaxSteps)),
        MaxMinutes = parsed.GetValue(flags.MaxMinutes),
        BatchSize = batchSize,
        GradientAccumulationSteps = parsed.GetValue(flags.Accumulation),
        Schedule = LearningRateSchedule.Names.TryGetValue(parsed.GetValue(flags.Schedule)!, out var kind)
            ? kind
            : throw new UnknownNameException("learning-rate schedule", parsed.GetValue(flags.Schedule)!, LearningRateSchedule.Names.Keys),
        WarmupRatio = parsed.GetValue(flags.WarmupRatio),
        WarmupSteps = parsed.GetValue(flags.WarmupSteps),
        AdamBeta1 = parsed.GetValue(flags.Beta1),
        AdamBeta2 = parsed.GetValue(flags.Beta2),
        AdamEpsilon = parsed.GetValue(flags.Epsilon),
        MaxGradientNorm = parsed.GetValue(flags.MaxGradientNorm),
        LoggingSteps = parsed.GetValue(flags.LoggingSteps),
        SaveSteps = parsed.GetValue(flags.SaveSteps),
        SaveTotalLimit = parsed.GetValue(flags.SaveTotalLimit) ?? 0,
        Seed = parsed.GetValue(flags.Seed),
        LengthWindow = parsed.GetValue(flags.LengthWindow),
    };

    /// <summary>The flags, by the original's names.</summary>
    private sealed class Flags(Command command)
    {
        public Option<string> ModelPath { get; } = Add(command, TrainFlags.Required("--model_name_or_path", "The folder of the model to start from; with --random_init a config and a tokenizer are enough."));
        public Option<bool> RandomInit { get; } = Add(command, TrainFlags.Truth("--random_init", "Start from random values: the model's folder needs only a config and a tokenizer."));
        public Option<string> Version { get; } = Add(command, TrainFlags.Value("--version", "The conversation format: plain for feature alignment, v1 for instruction tuning; v0 and v0.5 train with v1's, as in the original.", "v0"));
        public Option<string> DataPath { get; } = Add(command, TrainFlags.Required("--data_path", "A JSON file of conversations, or synth:seed=7,turns=5,... for the synthetic world without files."));
        public Option<string?> ImageFolder { get; } = Add(command, TrainFlags.Value<string?>("--image_folder", "Where the pictures of the data file lie.", null));
        public Option<string?> VisionTower { get; } = Add(command, TrainFlags.Value<string?>("--vision_tower", "The folder of the CLIP tower; without it a language model alone is trained.", null));
        public Option<int> SelectLayer { get; } = Add(command, TrainFlags.Value("--mm_vision_select_layer", "Which hidden state of the tower is taken.", -1));
        public Option<string> SelectFeature { get; } = Add(command, TrainFlags.Value("--mm_vision_select_feature", "patch or cls_patch.", "patch"));
        public Option<string> ProjectorType { get; } = Add(command, TrainFlags.Value("--mm_projector_type", "linear, mlp2x_gelu, ...", "linear"));
        public Option<string?> PretrainedProjector { get; } = Add(command, TrainFlags.Value<string?>("--pretrain_mm_mlp_adapter", "The projector of the first stage: mm_projector.bin.", null));
        public Option<bool> TuneProjector { get; } = Add(command, TrainFlags.Truth("--tune_mm_mlp_adapter", "Train the projector alone (first stage)."));
        public Option<bool> FreezeProjector { get; } = Add(command, TrainFlags.Truth("--freeze_mm_mlp_adapter", "Leave the projector as it is."));
        public Option<bool> FreezeBackbone { get; } = Add(command, TrainFlags.Truth("--freeze_backbone", "Leave the language model's body as it is."));
        public Option<bool> TrainTower { get; } = Add(command, TrainFlags.Truth("--unfreeze_mm_vision_tower", "Train the vision tower, too."));
        public Option<double?> ProjectorRate { get; } = Add(command, TrainFlags.Value<double?>("--mm_projector_lr", "The projector's own learning rate.", null));
        public Option<double?> TowerRate { get; } = Add(command, TrainFlags.Value<double?>("--mm_vision_tower_lr", "The tower's own learning rate.", null));
        public Option<string> AspectRatio { get; } = Add(command, TrainFlags.Value("--image_aspect_ratio", "pad, or square for the plain processor.", "square"));
        public Option<string> OutputDirectory { get; } = Add(command, TrainFlags.Required("--output_dir", "Where checkpoints and the model go; a run found there is resumed."));
        public Option<double> Epochs { get; } = Add(command, TrainFlags.Value("--num_train_epochs", "Passes over the data.", 3.0));
        public Option<long> MaxSteps { get; } = Add(command, TrainFlags.Value("--max_steps", "The number of updates; overrides the epochs.", -1L));
        public Option<double> MaxMinutes { get; } = Add(command, TrainFlags.Value("--max_minutes", "End after this time, resumed parts included; the learning rate is at its end then.", 0.0));
        public Option<int> BatchSize { get; } = Add(command, TrainFlags.Value("--per_device_train_batch_size", "Samples of a micro-batch.", 8));
        public Option<int> Accumulation { get; } = Add(command, TrainFlags.Value("--gradient_accumulation_steps", "Micro-batches of an update.", 1));
        public Option<double> LearningRate { get; } = Add(command, TrainFlags.Value("--learning_rate", "The highest learning rate.", 5e-5));
        public Option<double> WeightDecay { get; } = Add(command, TrainFlags.Value("--weight_decay", "The decay of weights that are neither norms nor biases.", 0.0));
        public Option<double> WarmupRatio { get; } = Add(command, TrainFlags.Value("--warmup_ratio", "The share of updates over which the rate rises.", 0.0));
        public Option<long> WarmupSteps { get; } = Add(command, TrainFlags.Value("--warmup_steps", "The number of updates over which the rate rises.", 0L));
        public Option<string> Schedule { get; } = Add(command, TrainFlags.Value("--lr_scheduler_type", "cosine, linear, constant, constant_with_warmup, polynomial or cosine_with_restarts.", "linear"));
        public Option<double> Beta1 { get; } = Add(command, TrainFlags.Value("--adam_beta1", "Adam's decay of the first moment.", 0.9));
        public Option<double> Beta2 { get; } = Add(command, TrainFlags.Value("--adam_beta2", "Adam's decay of the second moment.", 0.999));
        public Option<double> Epsilon { get; } = Add(command, TrainFlags.Value("--adam_epsilon", "Added to the root of the second moment.", 1e-8));
        public Option<double> MaxGradientNorm { get; } = Add(command, TrainFlags.Value("--max_grad_norm", "The largest norm of all gradients together.", 1.0));
        public Option<int> LoggingSteps { get; } = Add(command, TrainFlags.Value("--logging_steps", "A line is logged every so many updates.", 500));
        public Option<int> SaveSteps { get; } = Add(command, TrainFlags.Value("--save_steps", "A checkpoint is written every so many updates.", 500));
        public Option<int?> SaveTotalLimit { get; } = Add(command, TrainFlags.Value<int?>("--save_total_limit", "How many checkpoints are kept.", null));
        public Option<long> Seed { get; } = Add(command, TrainFlags.Value("--seed", "Of the order of samples and of random initial values.", 42L));
        public Option<int> ModelMaxLength { get; } = Add(command, TrainFlags.Value("--model_max_length", "Sequences are cut to this length.", 512));
        public Option<int> LengthWindow { get; } = Add(command, TrainFlags.Value("--length_window", "Sort the samples of so many micro-batches by length, so that little is padding.", 1));
        public Option<string> SaveType { get; } = Add(command, TrainFlags.Value("--save_dtype", "The finished model's numbers: float32, float16 or bfloat16.", "float32"));
        public Option<int> Threads { get; } = Add(command, TrainFlags.Value("--threads", "Threads for the arithmetic; 0: as libtorch thinks fit.", 0));

        private static Option<T> Add<T>(Command command, Option<T> option)
        {
            command.Options.Add(option);
            return option;
        }
    }
}
