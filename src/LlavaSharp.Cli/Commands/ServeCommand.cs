using System.CommandLine;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Security;
using LlavaSharp.Serving.Workers;
using LlavaSharp.Web.Hosting;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava serve</c>: a model and all that serves it, in one process at one port.</summary>
internal static class ServeCommand
{
    private const string LogName = "serve";

    public static Command Create()
    {
        var name = new Option<string?>("--model-name") { Description = "The model's name. Without it: the end of its path.", HelpName = "NAME" };
        var running = new Option<int>("--max-running") { Description = "How many requests are answered at once.", DefaultValueFactory = _ => 16, HelpName = "N" };
        var waiting = new Option<int>("--max-waiting") { Description = "How many requests may wait; more are told to ask again later.", DefaultValueFactory = _ => 256, HelpName = "N" };
        var queueTime = new Option<double?>("--queue-timeout") { Description = "How many seconds a request may wait for its turn. Without it: as long as its client does.", HelpName = "SECONDS" };
        var tokens = new Option<int?>("--max-tokens") { Description = "The most tokens of an answer through OpenAI's and Ollama's interfaces. Without it: the model's context.", HelpName = "N" };
        var pictures = new Option<int>("--max-pictures") { Description = "The most pictures of a request through OpenAI's and Ollama's interfaces.", DefaultValueFactory = _ => 16, HelpName = "N" };
        var body = new Option<int>("--max-body-mb") { Description = "The most megabytes of a request.", DefaultValueFactory = _ => 64, HelpName = "N" };
        var hosts = new Option<string[]>("--allow-image-host") { Description = "A host whose pictures are fetched for clients (*.example.org: all below it). Without it: only pictures that clients send.", HelpName = "HOST" };
        var keys = new Option<string?>("--api-key-file") { Description = "Serve only who has a key of this file (llava keys create). Without it: everybody who reaches the port.", HelpName = "FILE" };
        var rate = new Option<int?>("--rate-limit") { Description = "The most requests of a key in a minute. Without it: any number.", HelpName = "N" };
        var noPage = new Option<bool>("--no-page") { Description = "Leave the chat page out." };
        var record = new Option<string?>("--log-folder") { Description = "Where the page's conversations and their pictures are recorded. Without it: nowhere.", HelpName = "FOLDER" };
        var command = new ServingCommand("serve", "Load a model and serve it: a chat page, OpenAI's and Ollama's interfaces and the original's protocol, at one port.")
        {
            name, running, waiting, queueTime, tokens, pictures, body, hosts, keys, rate, noPage, record,
        };
        var server = new ServerFlags(command, port: 8080);
        var model = new ModelFlags(command);
        var adapters = new AdapterFlags(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(rate) is < 1 and var none)
                throw new UsageException($"--rate-limit is {none}: give 1 or more.");
            foreach (var (flag, value) in new[] { ("--max-tokens", parsed.GetValue(tokens)), ("--max-pictures", parsed.GetValue(pictures)), ("--max-body-mb", parsed.GetValue(body)) })
                if (value < 1)
                    throw new UsageException($"{flag} is {value}: give 1 or more.");
            if (parsed.GetValue(queueTime) is { } seconds && !(seconds > 0 && seconds < TimeSpan.MaxValue.TotalSeconds))
                throw new UsageException($"--queue-timeout is {seconds}: give a positive number of seconds.");
            // what is wrong with the keys is said before a model is loaded
            var known = parsed.GetValue(keys) is { } file ? new ApiKeys(file, warn: Console.Error.WriteLine) : null;
            var options = model.LoadOptions(parsed, Console.Error) with { ModelName = parsed.GetValue(name), Adapters = adapters.Read(parsed) };
            var engineOptions = new EngineOptions { MaxRunning = parsed.GetValue(running), MaxWaiting = parsed.GetValue(waiting), QueueTimeout = parsed.GetValue(queueTime) is { } wait ? TimeSpan.FromSeconds(wait) : null };
            await using var served = await ServedEngine.LoadAsync(model.ModelPath(parsed), options, engineOptions, cancellationToken);
            using var fetcher = parsed.GetValue(hosts) is { Length: > 0 } allowed ? new GuardedImageFetcher(new() { AllowedHosts = allowed }) : null;
            var serverOptions = new LlavaServerOptions
            {
                Host = server.Host(parsed),
                Port = server.Port(parsed),
                WorkerSecret = server.WorkerSecret(parsed),
                LimitModelConcurrency = parsed.GetValue(running),
                Quirks = options.Compatibility == CompatibilityOptions.Original ? WorkerQuirks.Original : WorkerQuirks.Mended,
                ApiKeys = known,
                RequestsPerMinute = parsed.GetValue(rate),
                MaxBodyBytes = (long)parsed.GetValue(body) << 20,
                Page = parsed.GetValue(noPage) ? null : new LlavaPage(new() { ConcurrencyCount = parsed.GetValue(running), LogFolder = parsed.GetValue(record) }),
                OpenAi = new() { Fetcher = fetcher, MaxTokens = parsed.GetValue(tokens), MaxPictures = parsed.GetValue(pictures) },
            };
            await using var listening = await LlavaServer.StartAsync(serverOptions, served.Engine, null, server.Log(parsed, LogName), cancellationToken);
            var names = served.Engine.Model.Adapters.Prepend(served.Engine.Model.Name).ToArray();
            Console.Out.WriteLine($"{string.Join(", ", names)} {(names.Length == 1 ? "is" : "are")} served at {listening.Address}");
            if (!parsed.GetValue(noPage))
                Console.Out.WriteLine($"  The chat page: {listening.Address}");
            Console.Out.WriteLine($"  OpenAI's interface: {listening.Address}v1");
            Console.Out.WriteLine($"  Health and metrics: {listening.Address}health/ready, {listening.Address}metrics");
            Console.Out.WriteLine($"  Ollama's interface: {listening.Address}api");
            await listening.WaitAsync(cancellationToken);
            return CommandRunner.Done;
        });
        return command;
    }
}
