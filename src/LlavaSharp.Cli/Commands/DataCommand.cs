using System.CommandLine;
using LlavaSharp.Data.Synth;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava data</c>: instruction data.</summary>
public static class DataCommand
{
    /// <summary>The command with its verbs.</summary>
    public static Command Create()
    {
        var command = new Command("data", "Make and check instruction data.");
        command.Subcommands.Add(CreateSynth());
        command.Subcommands.Add(DataTokenizerCommand.Create());
        return command;
    }

    private static Command CreateSynth()
    {
        var seed = new Option<long>("--seed") { Description = "The same seed gives the same files.", HelpName = "N", DefaultValueFactory = _ => 0 };
        var count = new Option<int>("--count") { Description = "How many conversations.", HelpName = "N", DefaultValueFactory = _ => 1000 };
        var folder = new Option<DirectoryInfo>("--out") { Description = "The folder to write to.", HelpName = "FOLDER", Required = true };
        var least = new Option<int>("--size-min", "--size_min") { Description = "The least side of a picture, in pixels.", HelpName = "N", DefaultValueFactory = _ => 96 };
        var most = new Option<int>("--size-max", "--size_max") { Description = "The most side of a picture, in pixels.", HelpName = "N", DefaultValueFactory = _ => 640 };
        var format = new Option<SynthPictureFormat>("--format") { Description = "How pictures are written.", DefaultValueFactory = _ => SynthPictureFormat.Mixed };
        var turns = new Option<int>("--turns") { Description = "How many questions a conversation has.", HelpName = "N", DefaultValueFactory = _ => 5 };
        var chinese = new Option<double>("--chinese-share", "--chinese_share") { Description = "The share of conversations in Chinese, 0 to 1.", HelpName = "X", DefaultValueFactory = _ => 0 };
        var threads = new Option<int>("--threads") { Description = "How many threads; 0 for one per processor.", HelpName = "N", DefaultValueFactory = _ => 0 };
        var command = new Command("synth", "Draw pictures of the synthetic world and write conversations about them in LLaVA's format.")
        {
            seed, count, folder, least, most, format, turns, chinese, threads,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new SynthWriterOptions
            {
                Conversations = new()
                {
                    Turns = parsed.GetValue(turns),
                    ChineseShare = parsed.GetValue(chinese),
                    Scenes = new() { MinSide = parsed.GetValue(least), MinLongerSide = parsed.GetValue(least), MaxSide = parsed.GetValue(most) },
                },
                Format = parsed.GetValue(format),
                Threads = parsed.GetValue(threads),
            };
            return Task.Run(() => Write(parsed.GetValue(folder)!.FullName, parsed.GetValue(seed), parsed.GetValue(count), options, cancellationToken), CancellationToken.None);
        });
        return command;
    }

    private static int Write(string folder, long seed, int count, SynthWriterOptions options, CancellationToken cancellationToken)
    {
        // Escape codes and moving lines are for people only: nothing is shown when the errors go to a file.
        if (!Console.IsErrorRedirected)
            options = options with { Progress = done => ShowProgress(done, count) };
        var result = SynthWriter.Write(folder, seed, count, options, cancellationToken);
        Console.WriteLine($"{result.Conversations} conversations with {result.Pictures} pictures: {result.DatasetFile}");
        Console.WriteLine($"{result.Questions} questions: {result.QuestionsFile}");
        return CommandRunner.Done;
    }

    private static void ShowProgress(int done, int count)
    {
        if (done % 100 == 0 || done == count)
            Console.Error.Write($"\r{done} of {count}{(done == count ? "\n" : "")}");
    }
}
