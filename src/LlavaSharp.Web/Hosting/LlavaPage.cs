using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Web;
using LlavaSharp.Web.Components;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlavaSharp.Web.Hosting;

/// <summary>The chat page, for a server of one's own or for <see cref="LlavaServer"/> (<see cref="LlavaServerOptions.Page"/>). It is at <c>/</c>, for browsers.</summary>
public sealed class LlavaPage : IServerPage
{
    private const int MostMessageBytes = 1 << 20;   // of what the browser tells the page at once; pictures come in pieces

    private readonly WebServerOptions _options;
    private readonly PageState _state;

    /// <summary>Prepares one.</summary>
    /// <param name="options">How; where it listens is the server's affair, and so is the controller's address where the server is one.</param>
    public LlavaPage(WebServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _state) = (options, new() { Embed = options.Embed });
    }

    /// <inheritdoc/>
    public void AddServices(IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(_options.Clock);
        services.AddSingleton(_ => _state);   // made here, so that it is disposed of
        services.AddHostedService<ModelListWatch>();
        // what is protected lives as long as a tab's connection: nothing of it is to be read after a restart, and nothing is written to disk
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddRazorComponents().AddInteractiveServerComponents().AddHubOptions(hub => hub.MaximumReceiveMessageSize = MostMessageBytes);
    }

    /// <inheritdoc/>
    public void Map(WebApplication app, Func<Uri> controller, HttpMessageHandler handler)
    {
        ArgumentNullException.ThrowIfNull(controller);
        ArgumentNullException.ThrowIfNull(handler);
        Map(app, () => new WebConversations(_options with { ControllerUrl = controller().ToString() }, app.Logger, handler));
    }

    /// <summary>Maps it in front of the controller that the options name.</summary>
    /// <param name="app">The server, with routing in use.</param>
    /// <exception cref="LlavaSharp.Serving.ServingException">An option makes no sense.</exception>
    public void Map(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var server = new WebConversations(_options, app.Logger);   // what is wrong with the options is said now
        Map(app, () => server);
    }

    private void Map(WebApplication app, Func<WebConversations> create)
    {
        ArgumentNullException.ThrowIfNull(app);
        _state.Create = create;
        app.UsePageSecurity(_options.Embed);
        app.UseAntiforgery();
        app.MapPageAssets();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(mode => mode.ContentSecurityFrameAncestorsPolicy = null);   // ours says it
    }
}
