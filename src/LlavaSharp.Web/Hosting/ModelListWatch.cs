using Microsoft.Extensions.Hosting;

namespace LlavaSharp.Web.Hosting;

/// <summary>Asks the controller for its models every few seconds while anybody looks, so that a worker that comes appears in open pages.</summary>
internal sealed class ModelListWatch(PageState state, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            if (state.OpenPages > 0)
                await state.Server.Models.PollAsync(stoppingToken).ConfigureAwait(false);
    }
}
