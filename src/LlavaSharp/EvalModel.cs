using System.Diagnostics;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp;

/// <content>The original's <c>eval_model</c>: load, ask one question, answer.</content>
public sealed partial class LlavaModel
{
    internal CompatibilityOptions Compatibility => _compatibility;

    /// <summary>The original's <c>eval_model</c>: loads a model, asks it one question and returns the answer.</summary>
    /// <param name="arguments">The question and how to answer it.</param>
    /// <param name="options">How to load the model; path and base are those of <paramref name="arguments"/>.</param>
    /// <exception cref="LlavaException">As for <see cref="EvalModelAsync"/>.</exception>
    public static string EvalModel(EvalArguments arguments, LoadOptions? options = null) =>
        EvalModelAsync(arguments, options).GetAwaiter().GetResult().Generation.Text;

    /// <summary>Loads a model, asks it one question, hands on the answer as it comes, and returns all that is known of it.</summary>
    /// <param name="arguments">The question and how to answer it.</param>
    /// <param name="options">How to load the model; path and base are those of <paramref name="arguments"/>.</param>
    /// <param name="onText">Told each piece of the answer; the pieces may begin and end with white space that the result does not have.</param>
    /// <param name="cancellationToken">Stops at the next token.</param>
    /// <exception cref="UnknownNameException">No such template, device or data type.</exception>
    /// <exception cref="ImageException">A picture cannot be read.</exception>
    /// <exception cref="ImageCountException">Markers and pictures differ in number.</exception>
    /// <exception cref="ContextLengthException">The prompt is longer than the context.</exception>
    /// <exception cref="LlavaException">The checkpoint cannot be loaded, or an option is out of range.</exception>
    public static async Task<EvalResult> EvalModelAsync(
        EvalArguments arguments, LoadOptions? options = null, Action<string>? onText = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        options ??= new LoadOptions();
        var generation = arguments.ToGenerationOptions();
        // what can be refused at once is refused before gigabytes are read
        generation.Resolve();
        if (arguments.ConvMode is { } asked)
            ConversationTemplates.CheckName(asked);
        var watch = Stopwatch.StartNew();
        var images = await LoadImagesAsync(arguments, options.Compatibility, cancellationToken).ConfigureAwait(false);
        CheckMarkers(arguments.Query, images.Count, options.Compatibility);
        var imageSeconds = Lap(watch);
        using var model = await LoadAsync(
            arguments.ModelPath, options with { ModelBase = arguments.ModelBase ?? options.ModelBase }, cancellationToken).ConfigureAwait(false);
        var loadSeconds = Lap(watch);
        var template = model.ChooseTemplate(arguments.ConvMode, options.Notice);
        var request = model.CreateRequest(model.PlaceMarkers(arguments.Query, images.Count), images, generation, template);
        GenerationResult? result = null;
        await foreach (var update in model.GenerateAsync(request, cancellationToken).ConfigureAwait(false))
        {
            if (update.Text.Length > 0)
                onText?.Invoke(update.Text);
            result = update.Result ?? result;
        }
        result = result! with { Timings = result!.Timings with { Image = result.Timings.Image + imageSeconds } };
        return new EvalResult(model.Name, template, result, loadSeconds);
    }

    /// <summary>The template to use: the one asked for, else the model's; <paramref name="notice"/> is told when they differ, in the original's words.</summary>
    public string ChooseTemplate(string? asked, Action<string>? notice = null)
    {
        if (asked is null || asked == TemplateName)
            return TemplateName;
        notice?.Invoke($"[WARNING] the auto inferred conversation mode is {TemplateName}, while `--conv-mode` is {asked}, using {asked}");
        return asked;
    }

    // the original puts one marker in front, however many pictures there are (Q16)
    private string PlaceMarkers(string query, int imageCount)
    {
        if (query.Contains(LlavaConstants.ImagePlaceholder, StringComparison.Ordinal))
            return query.Replace(LlavaConstants.ImagePlaceholder, ImageMarker, StringComparison.Ordinal);
        return WithMarkers(query, _compatibility.IgnoreSurplusPictures ? Math.Min(imageCount, 1) : imageCount);
    }

    // the count that matters is taken from the ids later; this one spares the loading of a model for a prompt that cannot fit
    private static void CheckMarkers(string query, int imageCount, CompatibilityOptions compatibility)
    {
        var markers = query.Split(LlavaConstants.ImagePlaceholder).Sum(part => part.Split(LlavaConstants.ImageToken).Length) - 1;
        if (imageCount > 0 && markers > 0 && markers != imageCount && !(compatibility.IgnoreSurplusPictures && markers < imageCount))
            throw new ImageCountException(markers, imageCount);
    }

    private static async Task<IReadOnlyList<Image>> LoadImagesAsync(EvalArguments arguments, CompatibilityOptions compatibility, CancellationToken cancellationToken)
    {
        var images = new List<Image>();
        foreach (var source in arguments.ImageSources())
        {
            // Q42: the original fetches whatever begins with "http", and fails where that is no address
            if (compatibility.AnyHttpPrefixIsAUrl && source.StartsWith("http", StringComparison.Ordinal) && !Uri.TryCreate(source, UriKind.Absolute, out _))
                throw new ImageException($"The picture '{source}' is taken for a URL, because its name begins with http, but it is none. Leave --original-quirks out, or write ./{source}.", source);
            images.Add(await Image.LoadAsync(source, cancellationToken: cancellationToken).ConfigureAwait(false));
        }
        return images;
    }
}
