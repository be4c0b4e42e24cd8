using LlavaSharp.Prompts;
using LlavaSharp.Serving.Protocol;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Web;

/// <summary>The models that the controller knows, as the page lists them. Safe for concurrent use.</summary>
public sealed class WebModels
{
    private readonly ControllerClient _controller;
    private readonly ILogger _logger;
    private volatile IReadOnlyList<string>? _names;
    private volatile IReadOnlyDictionary<string, string> _templates = System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

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
            await FetchAsync(cancellation).ConfigureAwait(false);
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
            await FetchAsync(cancellation).ConfigureAwait(false);
            _logger.LogInformation("Models: {Models}", Names);
            return null;
        }
        catch (ControllerException exception)
        {
            _logger.LogError("The list of models cannot be fetched: {Reason}", exception.Message);
            return new(WebFailureKind.NoController, exception.Message);
        }
    }

    /// <summary>The conversation template of a model: the one that its worker names, if there is such a one; else the one that the original's rules give its name.</summary>
    public string TemplateOf(string model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return _templates.TryGetValue(model, out var template) && ConversationTemplates.Names.Contains(template) ? template : ConversationTemplates.InferNameForWeb(model);
    }

    private async Task FetchAsync(CancellationToken cancellation)
    {
        var (models, templates) = await _controller.ModelsAsync(cancellation).ConfigureAwait(false);
        var names = Sort(models);
        var isNew = _names is not { } known || !known.SequenceEqual(names);
        (_names, _templates) = (names, templates);
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
