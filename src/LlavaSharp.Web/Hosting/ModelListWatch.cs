using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Web.Hosting;

/// <summary>Asks the controller for its models every few seconds while anybody looks, so that a worker that comes appears in open pages.</summary>
internal sealed class ModelListWatch(PageState state, TimeProvider clock, ILogger<ModelListWatch> logger) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            try
            {
                if (state.OpenPages > 0)
                    await state.Server.Models.PollAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // a tab that cannot be told must not end the server
                logger.LogError(exception, "The list of models could not be looked at");
            }
    }
}
