using System.CommandLine;
using LlavaSharp.Serving.Controller;
using LlavaSharp.Serving.Hosting;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava controller</c>: the original's <c>llava.serve.controller</c>.</summary>
internal static class ControllerCommand
{
    private const string LogName = "controller";

    public static Command Create()
    {
        var host = new Option<string>("--host") { Description = "The address to listen at.", DefaultValueFactory = _ => "localhost", HelpName = "HOST" };
        var port = new Option<int>("--port") { Description = "The port to listen at.", DefaultValueFactory = _ => 21001, HelpName = "N" };
        var dispatch = new Option<string>("--dispatch-method") { Description = "How a worker is chosen: lottery (by speed) or shortest_queue.", DefaultValueFactory = _ => "shortest_queue", HelpName = "METHOD" };
        var quirks = new Option<bool>("--original-quirks") { Description = "Keep the original's faults." };
        var command = new Command("controller", "Know the workers, tell clients which one has a model, and pass their answers on.") { host, port, dispatch, quirks };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new ControllerOptions
            {
                Host = parsed.GetValue(host)!,
                Port = parsed.GetValue(port) is >= 0 and <= ushort.MaxValue and var number ? number : throw new UsageException($"{parsed.GetValue(port)} is no port: ports go from 0 to 65535 (--port)."),
                DispatchMethod = parsed.GetValue(dispatch) switch
                {
                    "lottery" => DispatchMethod.Lottery,
                    "shortest_queue" => DispatchMethod.ShortestQueue,
                    var other => throw new UsageException($"'{other}' is no way to choose a worker: it is lottery or shortest_queue (--dispatch-method)."),
                },
                SecondErrorFrame = parsed.GetValue(quirks),
            };
            await using var server = await ControllerServer.StartAsync(
                options, logging => logging.AddProvider(new LogLines(LogName, Console.Error, new LogFile($"{LogName}.log", options.Clock), options.Clock)), cancellationToken);
            Console.Out.WriteLine($"The controller listens at {server.Address}");
            await server.WaitAsync(cancellationToken);
            return CommandRunner.Done;
        });
        return command;
    }
}
