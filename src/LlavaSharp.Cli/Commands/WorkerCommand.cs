using System.CommandLine;
using LlavaSharp.Serving.Upstream;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava worker</c>: the original's <c>llava.serve.model_worker</c>.</summary>
internal static class WorkerCommand
{
    public static Command Create()
    {
        var multiModal = new Option<bool>("--multi-modal") { Description = "Accepted for compatibility; the checkpoint says whether it sees." };
        var flashAttention = new Option<bool>("--use-flash-attn") { Description = "Accepted for compatibility; attention is always computed in parts." };
        var command = new ServingCommand("worker", "Load a model and answer requests for it, known to a controller.") { multiModal, flashAttention };
        var worker = new WorkerFlags(command);
        var model = new ModelFlags(command);
        var adapters = new AdapterFlags(command);
        var upstream = new UpstreamFlags(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(multiModal))
                Console.Error.WriteLine("Multimodal mode is automatically detected with model name, please use `llava` to include `llava` in the model path.");
            if (upstream.Read(parsed, model) is { } server)
            {
                if (adapters.Read(parsed).Count > 0)
                    throw new UsageException("--lora says what lies beside a model that is loaded here; --upstream loads none.");
                var names = upstream.Names(parsed, worker.ModelName(parsed));
                using var client = new UpstreamClient(server);
                var backend = await UpstreamBackend.CreateAsync(client, server, names, cancellationToken);
                return await worker.RunAsync(parsed, backend, model.Quirks(parsed) ? WorkerQuirks.Original : WorkerQuirks.Mended, cancellationToken);
            }
            var options = model.LoadOptions(parsed, Console.Error) with { ModelName = worker.ModelName(parsed), Adapters = adapters.Read(parsed) };
            await using var served = await ServedEngine.LoadAsync(model.ModelPath(parsed)?.TrimEnd('/'), options, new(), cancellationToken);
            var quirks = options.Compatibility == CompatibilityOptions.Original ? WorkerQuirks.Original : WorkerQuirks.Mended;
            return await worker.RunAsync(parsed, new EngineBackend(served.Engine, served.Engine.Model.Name, quirks), quirks, cancellationToken);
        });
        return command;
    }
}
