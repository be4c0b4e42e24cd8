using System.CommandLine;
using System.Text.Json;
using LlavaSharp.Data.Synth;
using LlavaSharp.Evaluation.Synth;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava eval</c>: how good a model is. <c>eval synth</c> is short for <c>eval run synth</c>.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        var command = new Command("eval", "Measure a model.");
        var run = new Command("run", "Run a benchmark from questions to scores.");
        run.Subcommands.Add(CreateSynth());
        command.Subcommands.Add(run);
        command.Subcommands.Add(CreateSynth());
        command.Subcommands.Add(EvalQuantizationCommand.Create());
        return command;
    }

    private static Command CreateSynth()
    {
        var seed = new Option<long>("--seed") { Description = "The seed of the scenes; take one that no training used.", DefaultValueFactory = _ => 900_001, HelpName = "N" };
        var count = new Option<int>("--count") { Description = "How many scenes, with five questions each.", DefaultValueFactory = _ => 2000, HelpName = "N" };
        var most = new Option<int>("--max_new_tokens") { Description = "The most tokens of an answer.", DefaultValueFactory = _ => 128, HelpName = "N" };
        var template = new Option<string?>("--conv-mode") { Description = "The conversation template. Without it: the model's.", HelpName = "NAME" };
        var answers = new Option<FileInfo?>("--answers-file") { Description = "Write every question, its answer and the verdict here, as JSON lines.", HelpName = "FILE" };
        var command = new Command("synth", "Ask a model about fresh pictures of the synthetic world and print its figures by type of question.") { seed, count, most, template, answers };
        var model = new ModelFlags(command);
        command.SetAction((parsed, cancellationToken) => RunAsync(
            model.ModelPath(parsed), model.LoadOptions(parsed, Console.Error), parsed.GetValue(seed), parsed.GetValue(count), parsed.GetValue(most),
            parsed.GetValue(template), parsed.GetValue(answers), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        string? modelPath, LoadOptions options, long seed, int count, int most, string? template, FileInfo? answers, CancellationToken cancellationToken)
    {
        if (count < 1)
            throw new UsageException($"--count is {count}: give 1 or more.");
        using var model = await LlavaModel.LoadAsync(modelPath, options, cancellationToken);
        var generation = new GenerationOptions { Temperature = 0, MaxNewTokens = most };
        var evaluator = new SynthEvaluator(async (prompt, token) =>
        {
            IReadOnlyList<Image> images = prompt.Picture is { } picture ? [Image.FromRgb(picture.Width, picture.Height, picture.Rgb)] : [];
            var request = model.CreateRequest(prompt.Question, images, generation, template);
            return (await model.CompleteAsync(request, token)).Text;
        });
        // written beside its place and moved there at the end, so that a broken run leaves no half file
        var temporary = answers is null ? null : answers.FullName + ".tmp";
        await using (var lines = temporary is null ? null : new StreamWriter(temporary))
        {
            var report = await evaluator.RunAsync(seed, count, new SynthEvaluatorOptions
            {
                Answered = lines is null ? null : answer => lines.WriteLine(JsonSerializer.Serialize(
                    new SynthAnswerRow(answer.Conversation, answer.Question.Type.ToString(), answer.Question.Text, answer.Question.Answer, answer.Answer, answer.IsRight), RunJson.Readable.SynthAnswerRow)),
            }, null, cancellationToken);
            Console.Out.Write(report.ToTable());
        }
        if (temporary is not null)
            File.Move(temporary, answers!.FullName, overwrite: true);
        return CommandRunner.Done;
    }
}
