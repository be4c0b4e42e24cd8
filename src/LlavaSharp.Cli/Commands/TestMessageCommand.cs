using System.CommandLine;
using LlavaSharp.Serving.Clients;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava test-message</c>: the original's <c>llava.serve.test_message</c>.</summary>
internal static class TestMessageCommand
{
    public static Command Create()
    {
        var controller = new Option<string>("--controller-address") { Description = "The controller.", DefaultValueFactory = _ => "http://localhost:21001", HelpName = "URL" };
        var worker = new Option<string?>("--worker-address") { Description = "A worker, which is then asked without the controller.", HelpName = "URL" };
        var model = new Option<string>("--model-name") { Description = "The model.", DefaultValueFactory = _ => "facebook/opt-350m", HelpName = "NAME" };
        var most = new Option<int>("--max-new-tokens") { Description = "The most tokens of the answer.", DefaultValueFactory = _ => 32, HelpName = "N" };
        var message = new Option<string>("--message") { Description = "The message.", DefaultValueFactory = _ => "Tell me a story with more than 1000 words.", HelpName = "TEXT" };
        var command = new Command("test-message", "Send one message to a model, as a check of controller and worker.") { controller, worker, model, most, message };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await TestMessageClient.RunAsync(
                parsed.GetValue(controller)!, parsed.GetValue(worker), parsed.GetValue(model)!, parsed.GetValue(message)!, parsed.GetValue(most), Console.Out, cancellationToken);
            return CommandRunner.Done;
        });
        return command;
    }
}
