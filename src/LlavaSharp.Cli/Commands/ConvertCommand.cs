using System.CommandLine;
using LlavaSharp.Checkpoints;
using LlavaSharp.Training;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava convert</c>: checkpoints into other forms (the original's <c>llava.model.*</c>).</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var command = new Command("convert", "Turn checkpoints into other forms.");
        command.Subcommands.Add(CreateDelta("apply-delta", "Add a published delta to its base model.", (basis, delta, target) => DeltaTools.Apply(basis, delta, target)));
        command.Subcommands.Add(CreateDelta("make-delta", "Subtract a base model from a model that was trained from it.", (basis, target, delta) => DeltaTools.Make(basis, target, delta), makes: true));
        command.Subcommands.Add(CreateExtract());
        command.Subcommands.Add(CreateResizeTower());
        return command;
    }

    private static Command CreateDelta(string name, string description, Action<string, string, string> convert, bool makes = false)
    {
        var basis = new Option<string>("--base-model-path") { Description = "The language model that the delta belongs to.", Required = true, HelpName = "FOLDER" };
        var target = new Option<string>("--target-model-path") { Description = makes ? "The model that was trained." : "Where the sum is written.", Required = true, HelpName = "FOLDER" };
        var delta = new Option<string>("--delta-path") { Description = makes ? "Where the delta is written." : "The delta.", Required = true, HelpName = "FOLDER" };
        var command = new Command(name, description) { basis, target, delta };
        command.SetAction(parsed =>
        {
            if (makes)
                convert(parsed.GetValue(basis)!, parsed.GetValue(target)!, parsed.GetValue(delta)!);
            else
                convert(parsed.GetValue(basis)!, parsed.GetValue(delta)!, parsed.GetValue(target)!);
            return CommandRunner.Done;
        });
        return command;
    }

    private static Command CreateExtract()
    {
        var model = new Option<string>("--model-path") { Description = "The checkpoint.", Required = true, HelpName = "FOLDER" };
        var output = new Option<string>("--output") { Description = "The file to write, such as mm_projector.bin.", Required = true, HelpName = "FILE" };
        var command = new Command("extract-projector", "Copy the projector of a checkpoint into a file of its own.") { model, output };
        command.SetAction(parsed =>
        {
            ProjectorFile.Extract(parsed.GetValue(model)!, parsed.GetValue(output)!);
            return CommandRunner.Done;
        });
        return command;
    }

    private static Command CreateResizeTower()
    {
        var tower = new Option<string>("--vision_tower") { Description = "The CLIP tower.", Required = true, HelpName = "FOLDER" };
        var image = new Option<int>("--image-size") { Description = "The new picture size, in pixels.", Required = true, HelpName = "N" };
        var patch = new Option<int>("--patch-size") { Description = "The new patch size, in pixels.", Required = true, HelpName = "N" };
        var output = new Option<string>("--output") { Description = "Where the resized tower is written.", Required = true, HelpName = "FOLDER" };
        var command = new Command("resize-tower", "Give a CLIP tower another picture and patch size, to train it further.") { tower, image, patch, output };
        command.SetAction(parsed =>
        {
            TowerResizer.Resize(parsed.GetValue(tower)!, parsed.GetValue(output)!, parsed.GetValue(image), parsed.GetValue(patch));
            return CommandRunner.Done;
        });
        return command;
    }
}
