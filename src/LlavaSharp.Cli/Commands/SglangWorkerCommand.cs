using System.CommandLine;
using LlavaSharp.Serving.Sglang;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava sglang-worker</c>: the original's <c>llava.serve.sglang_worker</c>.</summary>
internal static class SglangWorkerCommand
{
    public static Command Create()
    {
        var endpoint = new Option<string>("--sgl-endpoint") { Description = "Where the SGLang server listens, such as http://127.0.0.1:30000.", Required = true, HelpName = "URL" };
        var quirks = new Option<bool>("--original-quirks") { Description = "Keep the original's faults." };
        var command = new ServingCommand("sglang-worker", "Answer requests with an SGLang server, known to a controller.") { endpoint, quirks };
        var worker = new WorkerFlags(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var runtime = new SglangRuntime(parsed.GetValue(endpoint)!);
            var backend = await SglangBackend.CreateAsync(runtime, worker.ModelName(parsed), cancellationToken);
            return await worker.RunAsync(parsed, backend, parsed.GetValue(quirks) ? WorkerQuirks.Original : WorkerQuirks.Mended, cancellationToken);
        });
        return command;
    }
}
