using System.CommandLine;
using LlavaSharp.Cli;
using LlavaSharp.Cli.Commands;

var root = new RootCommand("LLaVA for .NET: look at pictures and talk about them.");
root.Subcommands.Add(RunCommand.Create());
root.Subcommands.Add(ChatCommand.Create());
root.Subcommands.Add(InspectCommand.Create());
root.Subcommands.Add(DataCommand.Create());
root.Subcommands.Add(DoctorCommand.Create());
root.Subcommands.Add(BenchCommand.Create());
root.Subcommands.Add(TrainCommand.Create());
root.Subcommands.Add(EvalCommand.Create());
root.Subcommands.Add(QuantizeCommand.Create());
root.Subcommands.Add(ConvertCommand.Create());
root.Subcommands.Add(ControllerCommand.Create());
return await CommandRunner.RunAsync(root, args, Console.Error);
