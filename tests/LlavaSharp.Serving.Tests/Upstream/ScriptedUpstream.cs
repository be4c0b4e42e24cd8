using LlavaSharp.Serving.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.Tests.Upstream;

/// <summary>A server of OpenAI's interface that says what a test wants.</summary>
internal sealed class ScriptedUpstream : IAsyncDisposable
{
    public const string Models = "{\"object\":\"list\",\"data\":[{\"id\":\"big\"},{\"id\":\"other\"}]}";

    private readonly ServerHost _host = ServerHost.Create("scripted upstream", "127.0.0.1", 0, 32 << 20, UpstreamStage.Quiet);

    public RequestDelegate ModelList { get; set; } = context => context.Response.WriteAsync(Models);

    public RequestDelegate Answer { get; set; } = context => SendAsync(context, Piece("Hello"), "data: [DONE]\n\n");

    /// <summary>The last request's path, headers and body.</summary>
    public (string Path, string? Authorization, string Body) Asked { get; private set; }

    public string Address => _host.Address.ToString();

    public static async Task<ScriptedUpstream> StartAsync()
    {
        var upstream = new ScriptedUpstream();
        upstream._host.App.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            upstream.Asked = (context.Request.Path, context.Request.Headers.Authorization, await reader.ReadToEndAsync(context.RequestAborted));
            await (context.Request.Path == "/v1/models" ? upstream.ModelList : upstream.Answer)(context);
        });
        await upstream._host.StartAsync(TestContext.Current.CancellationToken);
        return upstream;
    }

    public static string Piece(string text, string reason = "null") => $"data: {{\"choices\":[{{\"index\":0,\"text\":\"{text}\",\"finish_reason\":{reason}}}]}}\n\n";

    public static async Task SendAsync(HttpContext context, params string[] events)
    {
        if (!context.Response.HasStarted)
            context.Response.ContentType = "text/event-stream";
        foreach (var text in events)
        {
            await context.Response.WriteAsync(text, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
