using LlavaSharp.Serving.Protocol;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Web;

/// <summary>The models that the controller knows, as the page lists them. Safe for concurrent use.</summary>
public sealed class WebModels
{
    private readonly ControllerClient _controller;
    private readonly ILogger _logger;
    private volatile IReadOnlyList<string>? _names;

    internal WebModels(ControllerClient controller, ILogger logger) => (_controller, _logger) = (controller, logger);

    /// <summary>The list that was fetched last; empty before.</summary>
    public IReadOnlyList<string> Names => _names ?? [];

    /// <summary>Whether a list was fetched.</summary>
    public bool AreKnown => _names is not null;

    /// <summary>The list has changed.</summary>
    public event Action? Changed;

    /// <summary>Fetches the controller's list as it is, without a word to workers or log, so that it can be done every few seconds.</summary>
    /// <returns>Whether there was an answer; the list is as before where there was none.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<bool> PollAsync(CancellationToken cancellation = default)
    {
        try
        {
            Set(Sort(await _controller.ModelsAsync(cancellation).ConfigureAwait(false)));
            return true;
        }
        catch (ControllerException)
        {
            return false;
        }
    }

    /// <summary>Makes the controller ask its workers, and fetches its list.</summary>
    /// <returns>Null; or why the list could not be fetched, and is as before.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<WebFailure?> RefreshAsync(CancellationToken cancellation = default)
    {
        try
        {
            await _controller.RefreshAsync(cancellation).ConfigureAwait(false);
            var names = Sort(await _controller.ModelsAsync(cancellation).ConfigureAwait(false));
            _logger.LogInformation("Models: {Models}", names);
            Set(names);
            return null;
        }
        catch (ControllerException exception)
        {
            _logger.LogError("The list of models cannot be fetched: {Reason}", exception.Message);
            return new(WebFailureKind.NoController, exception.Message);
        }
    }

    private void Set(IReadOnlyList<string> names)
    {
        var isNew = _names is not { } known || !known.SequenceEqual(names);
        _names = names;
        if (isNew)
            Changed?.Invoke();
    }

    /// <summary>The models in the page's order: by name, but <c>vicuna-13b</c> and <c>koala-13b</c> where <c>aaaaaaa</c> and <c>aaaaaab</c> would be.</summary>
    public static IReadOnlyList<string> Sort(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return [.. names.OrderBy(name => name switch { "vicuna-13b" => "aaaaaaa", "koala-13b" => "aaaaaab", _ => name }, StringComparer.Ordinal)];
    }
}
