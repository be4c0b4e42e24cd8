using System.CommandLine;
using LlavaSharp.Checkpoints;

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
}
