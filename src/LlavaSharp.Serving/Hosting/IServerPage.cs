using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace LlavaSharp.Serving.Hosting;

/// <summary>A page for people that <see cref="LlavaServer"/> shows at its root. The projects above know how.</summary>
public interface IServerPage
{
    /// <summary>Adds what it needs.</summary>
    void AddServices(IServiceCollection services);

    /// <summary>Maps it.</summary>
    /// <param name="app">The server, with routing in use.</param>
    /// <param name="controller">Where the controller listens; known once the server runs.</param>
    /// <param name="handler">What requests to the controller and its workers go through: it knows the server's keys.</param>
    void Map(WebApplication app, Func<Uri> controller, HttpMessageHandler handler);
}
