using System.CommandLine;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Cli.Commands;

/// <summary>The flags that model workers and SGLang workers share.</summary>
internal sealed class WorkerFlags
{
    private const string LogName = "model_worker";   // of both, as in the original

    private readonly ServerFlags _server;
    private readonly Option<string?> _workerAddress = new("--worker-address") { Description = "The address under which it registers. Without it: where it listens.", HelpName = "URL" };
    private readonly Option<string> _controllerAddress = new("--controller-address") { Description = "The controller.", DefaultValueFactory = _ => "http://localhost:21001", HelpName = "URL" };
    private readonly Option<string?> _modelName = new("--model-name") { Description = "The model's name. Without it: the end of its path.", HelpName = "NAME" };
    private readonly Option<int> _limit = new("--limit-model-concurrency") { Description = "How many requests are answered at once.", DefaultValueFactory = _ => 5, HelpName = "N" };
    private readonly Option<int> _interval = new("--stream-interval") { Description = "Accepted for compatibility; every token is sent.", DefaultValueFactory = _ => 1, HelpName = "N" };
    private readonly Option<double> _heartBeats = new("--heart-beat-interval") { Description = "Tell the controller every so many seconds that the worker lives.", DefaultValueFactory = _ => 15, HelpName = "SECONDS" };
    private readonly Option<bool> _noRegister = new("--no-register") { Description = "Do not tell the controller." };

    /// <summary>Adds the flags to a verb.</summary>
    public WorkerFlags(Command command)
    {
        _server = new(command, port: 21002);
        foreach (var option in new Option[] { _workerAddress, _controllerAddress, _modelName, _limit, _interval, _heartBeats, _noRegister })
            command.Options.Add(option);
    }

    public string? ModelName(ParseResult parsed) => parsed.GetValue(_modelName);

    /// <summary>Runs a worker until it is told to stop.</summary>
    /// <param name="parsed">The flags.</param>
    /// <param name="backend">What answers.</param>
    /// <param name="quirks">Which faults of the original are reproduced.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<int> RunAsync(ParseResult parsed, IWorkerBackend backend, WorkerQuirks quirks, CancellationToken cancellationToken)
    {
        var options = new WorkerOptions
        {
            Host = _server.Host(parsed),
            Port = _server.Port(parsed),
            WorkerSecret = _server.WorkerSecret(parsed),
            WorkerAddress = parsed.GetValue(_workerAddress),
            ControllerAddress = parsed.GetValue(_controllerAddress)!,
            HeartBeatInterval = ServerFlags.Seconds(parsed, _heartBeats),
            Register = !parsed.GetValue(_noRegister),
            LimitModelConcurrency = parsed.GetValue(_limit),
            Quirks = quirks,
        };
        await using var server = await WorkerServer.StartAsync(options, backend, _server.Log(parsed, LogName, $"{LogName}_{Guid.NewGuid().ToString("N")[..6]}"), cancellationToken);
        Console.Out.WriteLine($"The worker answers for {string.Join(", ", backend.ModelNames)} at {server.Address}");
        await server.WaitAsync(cancellationToken);
        return CommandRunner.Done;
    }
}
