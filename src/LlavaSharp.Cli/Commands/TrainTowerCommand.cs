using System.CommandLine;
using System.Globalization;
using LlavaSharp.Data.Synth;
using LlavaSharp.Training;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava train tower</c>: a small CLIP tower, on dense labels of the synthetic world.</summary>
internal static class TrainTowerCommand
{
    public static Command Create()
    {
        var output = TrainFlags.Required("--output_dir", "Where checkpoints and the tower go; a run found there is resumed.");
        var config = TrainFlags.Required("--config", "The tower's config.json (a CLIP vision config).");
        var start = TrainFlags.Value<string?>("--vision_tower", "The folder of a tower to go on from, of the config's sizes; absent: from nothing.", null);
        var steps = TrainFlags.Value("--max_steps", "The number of updates.", 0L);
        steps.Aliases.Add("--steps");
        var minutes = TrainFlags.Value("--max_minutes", "End after this time, resumed parts included; the learning rate is at its end then.", 0.0);
        var batch = TrainFlags.Value("--per_device_train_batch_size", "Pictures of an update.", 64);
        var rate = TrainFlags.Value("--learning_rate", "The highest learning rate.", 2e-3);
        var decay = TrainFlags.Value("--weight_decay", "The decay of weights that are neither norms nor biases.", 0.05);
        var warmup = TrainFlags.Value("--warmup_steps", "The number of updates over which the rate rises.", 100L);
        var logging = TrainFlags.Value("--logging_steps", "A line is logged every so many updates.", 50);
        var saving = TrainFlags.Value("--save_steps", "A checkpoint is written every so many updates.", 500);
        var seed = TrainFlags.Value("--seed", "Of the initial values and the scenes.", 42L);
        var threads = TrainFlags.Value("--threads", "Threads for the arithmetic; 0: as libtorch thinks fit.", 0);
        var command = new Command("tower", "Train a small vision tower on pictures of the synthetic world.")
        {
            output, config, start, steps, minutes, batch, rate, decay, warmup, logging, saving, seed, threads,
        };
        command.SetAction(parsed =>
        {
            TrainingRun.Start(parsed.GetValue(threads));
            using var task = new SynthTowerPretraining(
                parsed.GetValue(config)!,
                parsed.GetValue(seed), parsed.GetValue(rate), parsed.GetValue(decay), start: parsed.GetValue(start));
            var code = TrainingRun.Run(task, new TrainerOptions
            {
                OutputDirectory = parsed.GetValue(output)!,
                MaxSteps = parsed.GetValue(steps),
                MaxMinutes = parsed.GetValue(minutes),
                BatchSize = parsed.GetValue(batch),
                Schedule = ScheduleKind.Cosine,
                WarmupSteps = parsed.GetValue(warmup),
                LoggingSteps = parsed.GetValue(logging),
                SaveSteps = parsed.GetValue(saving),
                SaveTotalLimit = 1,
                Seed = parsed.GetValue(seed),
            });
            var (patches, size, place) = task.Evaluate();
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"object patches of 512 fresh scenes: colour and shape {patches:P1}, size {size:P1}, place {place:P1}"));
            return code;
        });
        return command;
    }
}
