using System.CommandLine;
using LlavaSharp.Data.Synth;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava data synth-tokenizer</c>: the tokenizer of models of the synthetic world.</summary>
internal static class DataTokenizerCommand
{
    public static Command Create()
    {
        var folder = new Option<DirectoryInfo>("--out") { Description = "The folder to write to.", HelpName = "FOLDER", Required = true };
        var vocabulary = new Option<int>("--vocabulary") { Description = "The number of pieces, 259 special and byte pieces included.", HelpName = "N", DefaultValueFactory = _ => 768 };
        var seed = new Option<long>("--seed") { Description = "Of the conversations whose words are counted.", HelpName = "N", DefaultValueFactory = _ => 0 };
        var command = new Command("synth-tokenizer", "Train a small SentencePiece tokenizer on the words of the synthetic world.") { folder, vocabulary, seed };
        command.SetAction(parsed =>
        {
            var tokenizer = SynthTokenizer.TrainTo(parsed.GetValue(folder)!.FullName, parsed.GetValue(vocabulary), parsed.GetValue(seed));
            Console.WriteLine($"{tokenizer.Count} pieces: {parsed.GetValue(folder)!.FullName}");
            return CommandRunner.Done;
        });
        return command;
    }
}
