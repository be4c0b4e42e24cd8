using System.CommandLine;
using LlavaSharp.Serving.Clients;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava register-worker</c>: the original's <c>llava.serve.register_worker</c>.</summary>
internal static class RegisterWorkerCommand
{
    public static Command Create()
    {
        var controller = new Option<string>("--controller-address") { Description = "The controller.", Required = true, HelpName = "URL" };
        var worker = new Option<string>("--worker-name") { Description = "The worker's address.", Required = true, HelpName = "URL" };
        var check = new Option<bool>("--check-heart-beat") { Description = "Forget the worker when it sends no heartbeats." };
        var command = new Command("register-worker", "Make a worker known to a controller.") { controller, worker, check };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await RegisterWorkerClient.RunAsync(parsed.GetValue(controller)!, parsed.GetValue(worker)!, parsed.GetValue(check), cancellationToken);
            return CommandRunner.Done;
        });
        return command;
    }
}
