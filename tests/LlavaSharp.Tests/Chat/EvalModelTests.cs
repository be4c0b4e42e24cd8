using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Chat;

public sealed class EvalModelTests
{
    private static EvalArguments Arguments(string query, params string[] pictures) => new()
    {
        ModelPath = TinyModel.Folder,
        Query = query,
        ConvMode = "vicuna_v1",
        ImageFile = pictures.Length == 0 ? null : string.Join(',', pictures.Select(TinyModel.PictureFile)),
        Temperature = 0,
        MaxNewTokens = 24,
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Arguments_Defaults_AreTheOriginals()
    {
        var arguments = new EvalArguments { Query = "?" };

        Assert.Equal((",", 0.2, null, 1, 512), (arguments.Sep, arguments.Temperature, arguments.TopP, arguments.NumBeams, arguments.MaxNewTokens));
        Assert.Null(arguments.ConvMode);
        Assert.Null(arguments.ModelBase);
        var settings = arguments.ToGenerationOptions().Resolve(new GenerationDefaults { TopP = 0.5 });
        Assert.Equal((1.0, 50, 0.2), (settings.TopP, settings.TopK, settings.Temperature)); // top_p=None switches the checkpoint's off
    }

    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    [InlineData("text")]
    public async Task EvalModel_GoldenCase_IsTheOriginals(string id)
    {
        var expected = TinyModel.Case(id);
        var streamed = "";
        var notices = new List<string>();

        var result = await LlavaModel.EvalModelAsync(
            Arguments(expected.Question, expected.PictureNames), TinyModel.Options with { Notice = notices.Add }, piece => streamed += piece, Token);

        Assert.Equal(expected.Prompt, result.Generation.Prompt);
        Assert.Equal(expected.InputIds, result.Generation.InputIds);
        Assert.Equal(expected.SequenceLength, result.Generation.PromptTokens);
        Assert.Equal(expected.GreedyIds, result.Generation.OutputIds);
        Assert.Equal(expected.GreedyText, result.Generation.Text);
        Assert.Equal(expected.GreedyText, streamed.Trim());
        Assert.Equal(("llava-v1.5-tiny", "vicuna_v1", FinishReason.Length), (result.Model, result.Template, result.Generation.FinishReason));
        Assert.Equal(["[WARNING] the auto inferred conversation mode is llava_v1, while `--conv-mode` is vicuna_v1, using vicuna_v1"], notices);
    }

    [Fact]
    public void EvalModel_Synchronous_ReturnsTheText()
    {
        var expected = TinyModel.Case("one");

        Assert.Equal(expected.GreedyText, LlavaModel.EvalModel(Arguments(expected.Question, expected.PictureNames), TinyModel.Options));
    }

    [Fact]
    public async Task EvalModel_Placeholders_BecomeMarkersWhereTheyStand()
    {
        var arguments = Arguments("Left <image-placeholder> right <image-placeholder>?", "wide", "tall") with { MaxNewTokens = 1, ConvMode = null };

        var result = await LlavaModel.EvalModelAsync(arguments, TinyModel.Options, cancellationToken: Token);

        Assert.Contains("USER: Left <image> right <image>? ASSISTANT:", result.Generation.Prompt);
        Assert.Equal("llava_v1", result.Template);
    }

    [Fact]
    public async Task EvalModel_StartEndTokens_SurroundEachMarker()
    {
        var options = TinyModel.Options with { ConfigOverrides = new Dictionary<string, System.Text.Json.Nodes.JsonNode?> { ["mm_use_im_start_end"] = true } };

        var prefixed = await LlavaModel.EvalModelAsync(Arguments("What?", "wide") with { MaxNewTokens = 1 }, options, cancellationToken: Token);
        var placed = await LlavaModel.EvalModelAsync(Arguments("What is <image-placeholder>?", "wide") with { MaxNewTokens = 1 }, options, cancellationToken: Token);

        Assert.Contains("USER: <im_start><image><im_end>\nWhat? ASSISTANT:", prefixed.Generation.Prompt);
        Assert.Contains("USER: What is <im_start><image><im_end>? ASSISTANT:", placed.Generation.Prompt);
    }

    [Theory]
    [InlineData("A <image-placeholder> and <image-placeholder>", 2, 1, "wide")]
    [InlineData("A <image-placeholder>", 1, 2, "wide", "tall")]
    [InlineData("A <image-placeholder>", 1, 0)]
    public async Task EvalModel_MarkersAndPicturesDiffer_NamesBothNumbers(string query, int markers, int images, params string[] pictures)
    {
        var error = await Assert.ThrowsAsync<ImageCountException>(
            () => LlavaModel.EvalModelAsync(Arguments(query, pictures), TinyModel.Options, cancellationToken: Token));

        Assert.Equal((markers, images), (error.Markers, error.Images));
        Assert.Contains($"{markers} <image>", error.Message);
        Assert.Contains($"{images} picture", error.Message);
    }

    [Fact]
    public async Task EvalModel_OriginalQuirks_IgnoresSurplusPicturesAndSetsOneMarker()
    {
        var expected = TinyModel.Case("one");
        var options = TinyModel.Options with { Compatibility = CompatibilityOptions.Original };

        var result = await LlavaModel.EvalModelAsync(Arguments(expected.Question, "wide", "tall"), options, cancellationToken: Token);

        Assert.Equal(expected.Prompt, result.Generation.Prompt);
        Assert.Equal(expected.GreedyIds, result.Generation.OutputIds);
    }

    [Fact]
    public async Task EvalModel_OriginalQuirks_TakesAnyNameThatBeginsWithHttpForAUrl()
    {
        var options = TinyModel.Options with { Compatibility = CompatibilityOptions.Original };

        var error = await Assert.ThrowsAsync<ImageException>(
            () => LlavaModel.EvalModelAsync(Arguments("?") with { ImageFile = "http-picture.png" }, options, cancellationToken: Token));

        Assert.Contains("--original-quirks", error.Message);
    }

    [Fact]
    public async Task EvalModel_PromptLongerThanTheContext_GivesTheLengths()
    {
        var error = await Assert.ThrowsAsync<ContextLengthException>(
            () => LlavaModel.EvalModelAsync(Arguments(string.Concat(Enumerable.Repeat("word ", 3000)), "wide"), TinyModel.Options, cancellationToken: Token));

        Assert.Equal(2048, error.ContextLength);
        Assert.True(error.PromptLength > 3000);
        Assert.Contains("2048", error.Message);
    }

    [Fact]
    public async Task EvalModel_MarkersThatDoNotMatch_AreRefusedBeforeAModelIsLoaded()
    {
        var arguments = Arguments("<image-placeholder><image-placeholder>?", "wide") with { ModelPath = "/no/such/model" };

        var error = await Assert.ThrowsAsync<ImageCountException>(() => LlavaModel.EvalModelAsync(arguments, TinyModel.Options, cancellationToken: Token));

        Assert.Equal((2, 1), (error.Markers, error.Images));
    }

    [Fact]
    public async Task EvalModel_BaseForAWholeCheckpoint_SaysThatNoneIsNeeded()
    {
        var arguments = Arguments("?") with { ModelBase = TinyModel.Folder };

        var error = await Assert.ThrowsAsync<CheckpointException>(() => LlavaModel.EvalModelAsync(arguments, TinyModel.Options, cancellationToken: Token));

        Assert.Contains("leave the base (--model-base) out", error.Message);
    }

    [Fact]
    public async Task EvalModel_UnknownTemplate_NamesTheNearest()
    {
        var error = await Assert.ThrowsAsync<UnknownNameException>(
            () => LlavaModel.EvalModelAsync(Arguments("?") with { ConvMode = "vicuna1" }, TinyModel.Options, cancellationToken: Token));

        Assert.Equal("vicuna_v1", error.Nearest);
        Assert.Contains("llava_llama_2", error.Known);
    }

    [Theory]
    [InlineData("Device", "cud")]
    [InlineData("DataType", "float3")]
    public async Task EvalModel_UnknownDeviceOrType_ListsThoseKnown(string property, string value)
    {
        var options = property == "Device" ? TinyModel.Options with { Device = value } : TinyModel.Options with { DataType = value };

        var error = await Assert.ThrowsAsync<UnknownNameException>(() => LlavaModel.EvalModelAsync(Arguments("?"), options, cancellationToken: Token));

        Assert.Equal(property == "Device" ? "cuda" : "float32", error.Nearest);
        Assert.Contains(error.Nearest!, error.Message);
    }

    [Fact]
    public async Task EvalModel_NoSuchModelOffline_SaysWhatWasLookedForAndWhere()
    {
        var error = await Assert.ThrowsAnyAsync<LlavaException>(
            () => LlavaModel.EvalModelAsync(Arguments("?") with { ModelPath = "nobody/llava-none" }, TinyModel.Options, cancellationToken: Token));

        Assert.Contains("nobody/llava-none", error.Message);
    }

    [Theory]
    [InlineData("a.png,,b.png", ",")]
    [InlineData("a.png", "")]
    [InlineData("", ",")]
    public void ImageSources_EmptyNameOrSeparator_IsRefused(string files, string separator) =>
        Assert.Throws<LlavaException>(() => new EvalArguments { Query = "?", ImageFile = files, Sep = separator }.ImageSources());

    [Theory]
    [InlineData("a.png;b.png", ";", 2)]
    [InlineData("a.png,b.png", ";", 1)]
    [InlineData("data:image/png;base64,AAAA", ",", 1)]
    [InlineData("data:image/png;base64,AAAA|b.png", "|", 2)]
    [InlineData(null, ",", 0)]
    public void ImageSources_Separator_SplitsTheList(string? files, string separator, int count) =>
        Assert.Equal(count, new EvalArguments { Query = "?", ImageFile = files, Sep = separator }.ImageSources().Count);
}
