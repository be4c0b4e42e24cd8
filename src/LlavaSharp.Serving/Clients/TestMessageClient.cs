using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.IO;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Clients;

/// <summary>Sends one message to a model, as a check that controller and worker do their work; the original's <c>llava.serve.test_message</c>, with its output.</summary>
public static class TestMessageClient
{
    private const double Temperature = 0.7;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    /// <summary>Sends it, and writes what the original writes.</summary>
    /// <param name="controller">Where the controller listens.</param>
    /// <param name="worker">Where the worker listens; null: the controller is asked.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="message">The message.</param>
    /// <param name="maxNewTokens">The most tokens of the answer.</param>
    /// <param name="output">Where it is written.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="LlavaException">Controller or worker cannot be reached, or do not follow the protocol.</exception>
    public static async Task RunAsync(string controller, string? worker, string model, string message, int maxNewTokens, TextWriter output, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(output);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        var address = worker ?? await FindAsync(new(http, controller, _patience, TimeProvider.System), model, output, cancellation).ConfigureAwait(false);
        if (address.Length == 0)
            return;
        var conversation = ConversationTemplates.Get(ConversationTemplates.DefaultName);
        conversation.Append(conversation.Roles[0], message);
        var (prompt, separator) = (conversation.GetPrompt(), conversation.Separator);
        var request = new JsonObject { ["model"] = model, ["prompt"] = prompt, ["max_new_tokens"] = maxNewTokens, ["temperature"] = Temperature, ["stop"] = separator };
        await output.WriteAsync(prompt.Replace(separator, "\n", StringComparison.Ordinal).AsMemory(), cancellation).ConfigureAwait(false);
        var client = new WorkerClient(http, _patience, TimeProvider.System, ProtocolTexts.UserAgent);
        await foreach (var bytes in client.GenerateAsync(address, Encoding.UTF8.GetBytes(PythonJson.Dump(request)), cancellation).ConfigureAwait(false))
        {
            // only what follows the last separator, and on the same line: so the original
            var text = AnswerFrame.Read(bytes, address).Text;
            await output.WriteAsync($"{text[(text.LastIndexOf(separator, StringComparison.Ordinal) is >= 0 and var last ? last + separator.Length : 0)..]}\r".AsMemory(), cancellation).ConfigureAwait(false);
            await output.FlushAsync(cancellation).ConfigureAwait(false);
        }
        await output.WriteAsync("\n".AsMemory(), cancellation).ConfigureAwait(false);
    }

    private static async Task<string> FindAsync(ControllerClient controller, string model, TextWriter output, CancellationToken cancellation)
    {
        await controller.RefreshAsync(cancellation).ConfigureAwait(false);
        var (models, _) = await controller.ModelsAsync(cancellation).ConfigureAwait(false);
        await output.WriteAsync($"Models: [{string.Join(", ", models.Order(StringComparer.Ordinal).Select(name => $"'{name}'"))}]\n".AsMemory(), cancellation).ConfigureAwait(false);
        var address = await controller.AddressAsync(model, cancellation).ConfigureAwait(false);
        await output.WriteAsync($"worker_addr: {address}\n".AsMemory(), cancellation).ConfigureAwait(false);
        return address;
    }
}
