using LlavaSharp.Checkpoints;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

public sealed class ClipImageProcessorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llava-processor-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_MissingKeys_TakeTheDefaults()
    {
        var processor = Load("{}");
        Assert.Equal((224, 224, 224), (processor.ShortestEdge, processor.CropWidth, processor.CropHeight));
        Assert.Equal(ClipImageProcessor.DefaultMean, processor.ImageMean);
        Assert.Equal(ClipImageProcessor.DefaultStd, processor.ImageStd);
        Assert.Equal((122, 116, 104), processor.PadColour);
    }

    [Theory]
    [InlineData("""{"size": 336, "crop_size": 300}""", 336, 300, 300)]
    [InlineData("""{"size": {"shortest_edge": 56}, "crop_size": {"height": 40, "width": 48}, "resample": 3}""", 56, 48, 40)]
    public void Load_Sizes_InBothForms(string json, int edge, int width, int height)
    {
        var processor = Load(json);
        Assert.Equal((edge, width, height), (processor.ShortestEdge, processor.CropWidth, processor.CropHeight));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"size": -1}""")]
    [InlineData("""{"crop_size": 1000000000}""")]
    [InlineData("""{"size": "336"}""")]
    [InlineData("""{"size": {"height": 3, "width": 3}}""")]
    [InlineData("""{"image_mean": [1, 2]}""")]
    [InlineData("""{"image_std": ["a", 1, 1]}""")]
    [InlineData("""{"resample": 2}""")]
    [InlineData("""{"do_resize": 1}""")]
    [InlineData("""{"rescale_factor": "x"}""")]
    public void Load_WrongConfig_NamesTheFile(string json) =>
        Assert.Contains("preprocessor_config.json", Assert.Throws<CheckpointException>(() => Load(json)).Message);

    [Fact]
    public void Load_MissingFile_NamesIt() => Assert.Contains("preprocessor_config.json", Assert.Throws<CheckpointException>(() => ClipImageProcessor.Load(_folder)).Message);

    [Fact]
    public void Load_MutatedConfig_OnlyTypedErrors()
    {
        const string config = """{"size":{"shortest_edge":56},"crop_size":{"height":56,"width":56},"do_resize":true,"image_mean":[0.4,0.4,0.4],"image_std":[0.2,0.2,0.2],"rescale_factor":0.003}""";
        var random = new Random(1);
        for (var i = 0; i < 5000; i++)
        {
            var text = config.ToCharArray();
            for (var c = 0; c < random.Next(1, 4); c++)
                text[random.Next(text.Length)] = "{}[],:\"0123456789.-etrufalsn"[random.Next(28)];
            try
            {
                using var document = System.Text.Json.JsonDocument.Parse(new string(text));
                new PreprocessorConfig(document.RootElement, "p").Build();
            }
            catch (Exception exception) when (exception is LlavaException or System.Text.Json.JsonException)
            {
                // refused; Load turns both into CheckpointException
            }
        }
    }

    [Fact]
    public void Preprocess_PictureSmallerThanTheCropByAnOddNumber_IsOneSmaller()
    {
        var processor = new ClipImageProcessor(4, 4, 4, ClipImageProcessor.DefaultMean, ClipImageProcessor.DefaultStd) { DoResize = false, DoNormalize = false, DoRescale = false };
        var values = processor.Preprocess(Image.FromRgb(1, 1, [9, 8, 7]));
        Assert.Equal([3, 3, 3], values.Shape);
        Assert.Equal([0, 0, 0, 0, 9, 0, 0, 0, 0], values.Data[..9]);
    }

    [Fact]
    public void Preprocess_WithoutCrop_KeepsTheWholePicture()
    {
        var values = new ClipImageProcessor(8) { DoCenterCrop = false }.Preprocess(PictureFiles.Random(1, 30, 20));
        Assert.Equal((12, 8), (values.Width, values.Height));
    }

    [Fact]
    public void Process_HeightThree_IsMisreadOnlyOnRequest()
    {
        var image = PictureFiles.Random(1, 5, 3);
        var processor = new ClipImageProcessor(14);
        var mended = ImagePreprocessor.Process([image], processor, null)[0].Data;
        Assert.Equal(processor.Preprocess(image).Data, mended);
        Assert.NotEqual(mended, ImagePreprocessor.Process([image], processor, null, null, CompatibilityOptions.Original)[0].Data);
        Assert.Throws<ImageException>(() => ImagePreprocessor.Process([PictureFiles.Random(1, 5, 1)], processor, null, null, CompatibilityOptions.Original));
    }

    [Fact]
    public void Process_AnyResWithoutPinpoints_IsATypedError() =>
        Assert.Throws<ImageException>(() => ImagePreprocessor.Process([PictureFiles.Random(1, 5, 3)], new ClipImageProcessor(14), "anyres"));

    [Fact]
    public void Process_AnyRes_HasTheTileAxis()
    {
        var values = ImagePreprocessor.Process([PictureFiles.Random(1, 30, 20)], new ClipImageProcessor(14), "anyres", [(28, 14), (14, 28)])[0];
        Assert.Equal([3, 3, 14, 14], values.Shape);
        Assert.Equal((30, 20), values.OriginalSize);
        Assert.Equal(3 * 3 * 14 * 14, values.Data.Length);
    }

    private ClipImageProcessor Load(string json)
    {
        File.WriteAllText(Path.Combine(_folder, "preprocessor_config.json"), json);
        return ClipImageProcessor.Load(_folder);
    }
}
