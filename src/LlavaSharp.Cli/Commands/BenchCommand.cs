using System.CommandLine;
using LlavaSharp.Benchmarking;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava bench</c>: how fast this machine is, against its own limits and against llama.cpp.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        var shape = new Option<string>("--shape") { Description = $"The sizes of the model, whose weights come from a formula: {string.Join(", ", BenchShape.Names)}.", DefaultValueFactory = _ => "7b", HelpName = "NAME" };
        var layers = new Option<int?>("--layers") { Description = "Layers of the language model. Without it: as many as the published model has.", HelpName = "N" };
        var threads = new Option<int?>("--threads") { Description = "How many threads compute, on both sides. Without it: one for each core.", HelpName = "N" };
        var rounds = new Option<int>("--rounds") { Description = "How often everything is measured; medians count.", DefaultValueFactory = _ => 5, HelpName = "N" };
        var peer = new Option<bool>("--peer") { Description = "Let llama.cpp compute the same by turns: installs npm's node-llama-cpp in the cache folder, and fails when a goal is missed." };
        var largePages = new Option<bool>("--large-pages") { Description = "Copy packed weights into pages of 2 MB (Linux), as the flag of the same name does elsewhere." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object and nothing else on standard output." };
        var command = new Command("bench", "Measure speed and memory of a model's sizes on this machine; needs no download.") { shape, layers, threads, rounds, peer, largePages, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            foreach (var (option, value) in new[] { ("--layers", parsed.GetValue(layers)), ("--threads", parsed.GetValue(threads)), ("--rounds", parsed.GetValue(rounds)) })
                if (value is < 1)
                    throw new UsageException($"{option} is {value}: give 1 or more.");
            var report = await Bench.RunAsync(new()
            {
                Shape = BenchShape.Find(parsed.GetValue(shape)!, parsed.GetValue(layers)),
                Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount,
                Rounds = parsed.GetValue(rounds),
                Peer = parsed.GetValue(peer),
                LargePages = parsed.GetValue(largePages),
                Notice = Console.Error.WriteLine,
            }, cancellationToken);
            Console.Out.Write(parsed.GetValue(json) ? report.ToJson() + Environment.NewLine : report.ToTable());
            if (!parsed.GetValue(peer) || report.ReachesGoals)
                return CommandRunner.Done;
            Console.Error.WriteLine($"llava: {report.Results.Count(result => result.IsMissed)} goals are missed; the worst is {report.Worst!.Name}.");
            return CommandRunner.Failed;
        });
        return command;
    }
}
