using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.IO;

namespace LlavaSharp.Serving.Clients;

/// <summary>Makes a worker known to a controller, which then asks the worker what it has; the original's <c>llava.serve.register_worker</c>.</summary>
public static class RegisterWorkerClient
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    /// <summary>Registers.</summary>
    /// <param name="controller">Where the controller listens.</param>
    /// <param name="worker">Where the worker listens.</param>
    /// <param name="checkHeartBeat">Whether the worker must send heartbeats to stay known.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ServingException">The controller cannot be reached, or refuses.</exception>
    public static async Task RunAsync(string controller, string worker, bool checkHeartBeat, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(controller);
        ArgumentNullException.ThrowIfNull(worker);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = _patience };
        var json = new JsonObject { ["worker_name"] = worker, ["check_heart_beat"] = checkHeartBeat, ["worker_status"] = null };
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(PythonJson.Dump(json))) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var response = await http.PostAsync(new Uri(controller.TrimEnd('/') + "/register_worker"), content, cancellation).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
                throw new ServingException($"The controller at {controller} answered {(int)response.StatusCode}. Check --controller-address.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or UriFormatException or InvalidOperationException or NotSupportedException || exception is TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            throw new ServingException($"The controller at {controller} cannot be reached: {exception.Message} Check that it runs (llava controller), and --controller-address.", exception);
        }
    }
}
