using System.CommandLine;
using LlavaSharp.Serving.Controller;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava controller</c>: the original's <c>llava.serve.controller</c>.</summary>
internal static class ControllerCommand
{
    private const string LogName = "controller";

    public static Command Create()
    {
        var dispatch = new Option<string>("--dispatch-method") { Description = "How a worker is chosen: lottery (by speed) or shortest_queue.", DefaultValueFactory = _ => "shortest_queue", HelpName = "METHOD" };
        var quirks = new Option<bool>("--original-quirks") { Description = "Keep the original's faults." };
        var expiry = new Option<double>("--heart-beat-expiry") { Description = "Forget a worker of which nothing was heard for so many seconds.", DefaultValueFactory = _ => 30, HelpName = "SECONDS" };
        var patience = new Option<double>("--worker-timeout") { Description = "So many seconds a worker may be silent while it answers.", DefaultValueFactory = _ => 5, HelpName = "SECONDS" };
        var command = new ServingCommand("controller", "Know the workers, tell clients which one has a model, and pass their answers on.") { dispatch, expiry, patience, quirks };
        var server = new ServerFlags(command, port: 21001);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new ControllerOptions
            {
                Host = server.Host(parsed),
                Port = server.Port(parsed),
                WorkerSecret = server.WorkerSecret(parsed),
                DispatchMethod = parsed.GetValue(dispatch) switch
                {
                    "lottery" => DispatchMethod.Lottery,
                    "shortest_queue" => DispatchMethod.ShortestQueue,
                    var other => throw new UsageException($"'{other}' is no way to choose a worker: it is lottery or shortest_queue (--dispatch-method)."),
                },
                HeartBeatExpiration = ServerFlags.Seconds(parsed, expiry),
                WorkerPatience = ServerFlags.Seconds(parsed, patience),
                SecondErrorFrame = parsed.GetValue(quirks),
            };
            await using var running = await ControllerServer.StartAsync(options, server.Log(parsed, LogName), cancellationToken);
            Console.Out.WriteLine($"The controller listens at {running.Address}");
            await running.WaitAsync(cancellationToken);
            return CommandRunner.Done;
        });
        return command;
    }
}
