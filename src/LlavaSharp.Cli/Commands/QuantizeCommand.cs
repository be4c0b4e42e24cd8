using System.CommandLine;
using LlavaSharp.Checkpoints;
using LlavaSharp.Quantization;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava quantize</c>: a checkpoint with its weights packed in 4 or 8 bits for CPUs.</summary>
internal static class QuantizeCommand
{
    public static Command Create()
    {
        var model = new Option<string?>("--model-path") { Description = "A checkpoint's folder or hub id, or a GGUF file. Without it: the model that comes with llava.", HelpName = "PATH" };
        var basis = new Option<string?>("--model-base") { Description = "The language model that an adapter or a projector belongs to.", HelpName = "PATH" };
        var output = new Option<string>("--output") { Description = "The folder to make.", Required = true, HelpName = "FOLDER" };
        var bits = new Option<int>("--bits") { Description = "Bits a weight of the language model: 4 or 8.", DefaultValueFactory = _ => 4, HelpName = "N" };
        var tower = new Option<string>("--tower") { Description = "The vision tower's weights: 8bit or float.", DefaultValueFactory = _ => "8bit", HelpName = "FORM" };
        var calibration = new Option<string?>("--calibrate") { Description = "Let the model read a text in float32 first (FILE, or without it a general one), and round its 4-bit weights for the least error on it: takes longer, and memory for the model in float32.", Arity = ArgumentArity.ZeroOrOne, HelpName = "FILE" };
        var offline = new Option<bool>("--offline") { Description = "Never ask a hub: only what lies on this machine." };
        var command = new Command("quantize", "Pack a checkpoint's weights in 4 or 8 bits for fast answers on CPUs.") { model, basis, output, bits, tower, calibration, offline };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var towerBits = parsed.GetValue(tower) switch
            {
                "8bit" => 8,
                "float" => (int?)null,
                var other => throw new UnknownNameException("form of the vision tower (--tower)", other!, ["8bit", "float"]),
            };
            var hub = HubOptions.FromEnvironment();
            hub = hub with { Offline = hub.Offline || parsed.GetValue(offline) };
            var folder = await ModelLocator.ResolveAsync(parsed.GetValue(model) ?? EmbeddedModel.Find(), hub, cancellationToken);
            var baseFolder = parsed.GetValue(basis) is { } name ? await ModelLocator.ResolveAsync(name, hub, cancellationToken) : null;
            CheckpointQuantizer.Quantize(folder, baseFolder, parsed.GetValue(output)!, new()
            {
                Bits = parsed.GetValue(bits),
                TowerBits = towerBits,
                Calibrate = parsed.GetResult(calibration) is not null,
                CalibrationFile = parsed.GetValue(calibration),
                Offline = hub.Offline,
                Progress = new ProgressLine(Console.Error),
            }, cancellationToken);
            return CommandRunner.Done;
        });
        return command;
    }
}
