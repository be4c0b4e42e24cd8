using System.CommandLine;
using LlavaSharp.Serving.Web;
using LlavaSharp.Web.Hosting;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava web</c>: the original's <c>llava.serve.gradio_web_server</c>.</summary>
internal static class WebCommand
{
    private const string LogName = "gradio_web_server";   // the original's

    public static Command Create()
    {
        var host = new Option<string>("--host") { Description = "The address to listen at.", DefaultValueFactory = _ => "localhost", HelpName = "HOST" };
        var port = new Option<int?>("--port") { Description = "The port to listen at; 0 takes a free one. Without it: 7860, or the next one that is free.", HelpName = "N" };
        var controller = new Option<string>("--controller-url") { Description = "Where the controller listens.", DefaultValueFactory = _ => "http://localhost:21001", HelpName = "URL" };
        var concurrency = new Option<int>("--concurrency-count") { Description = "How many answers are generated at once.", DefaultValueFactory = _ => 16, HelpName = "N" };
        var mode = new Option<string>("--model-list-mode") { Description = "When the controller asks its workers for their models: once, or reload (whenever a page is loaded). Open pages notice new workers either way.", DefaultValueFactory = _ => "once", HelpName = "MODE" };
        var moderate = new Option<bool>("--moderate") { Description = "Show texts to OpenAI's moderation service first (OPENAI_API_KEY)." };
        var embed = new Option<bool>("--embed") { Description = "Show the page without heading and terms, and let other pages show it inside them." };
        var folder = new Option<string>("--log-folder") { Description = "Where conversations and their pictures are recorded.", DefaultValueFactory = _ => ".", HelpName = "FOLDER" };
        var share = new Option<bool>("--share") { Description = "Refused: the original sends the page through a server of somebody else's." };
        var quirks = new Option<bool>("--original-quirks") { Description = "Keep the original's faults." };
        var command = new ServingCommand("web", "Show the chat page, before a controller and its workers.") { host, port, controller, concurrency, mode, moderate, embed, folder, share, quirks };
        var log = new LogFlags(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(share))
                throw new UsageException("--share is left out: it would send pictures and conversations through a server of somebody else's. Listen at an address that others reach (--host 0.0.0.0), behind a proxy that knows your users.");
            if (parsed.GetValue(port) is { } none and (< 0 or > ushort.MaxValue))
                throw new UsageException($"{none} is no port: ports go from 0 to 65535 (--port).");
            var options = new WebServerOptions
            {
                Host = parsed.GetValue(host)!,
                Port = parsed.GetValue(port),
                ControllerUrl = parsed.GetValue(controller)!,
                ConcurrencyCount = parsed.GetValue(concurrency),
                ModelListMode = parsed.GetValue(mode) switch
                {
                    "once" => WebModelListMode.Once,
                    "reload" => WebModelListMode.Reload,
                    var other => throw new UsageException($"'{other}' is no mode: it is once or reload (--model-list-mode)."),
                },
                Moderate = parsed.GetValue(moderate),
                Embed = parsed.GetValue(embed),
                LogFolder = parsed.GetValue(folder),
                Quirks = parsed.GetValue(quirks) ? WebQuirks.Original : WebQuirks.Mended,
            };
            await using var running = await WebServer.StartAsync(options, log.Provider(parsed, LogName, null), cancellationToken);
            Console.Out.WriteLine($"The page is at {running.Address}");
            await running.WaitAsync(cancellationToken);
            return CommandRunner.Done;
        });
        return command;
    }
}
