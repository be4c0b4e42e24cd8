using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

public class ConversationImageTests
{
    [Theory]
    [InlineData(1920, 1080, "Default", 1194, 672)]
    [InlineData(4000, 300, "Crop", 1333, 100)]
    [InlineData(300, 4000, "Pad", 672, 672)]
    [InlineData(640, 480, "Resize", 336, 336)]
    [InlineData(1344, 1000, "Default", 1344, 1000)]
    public void Process_Sizes_AreTheOriginals(int width, int height, string mode, int newWidth, int newHeight)
    {
        var image = ConversationImage.Process(Image.FromRgb(width, height, new byte[3 * width * height]), mode);
        Assert.Equal((newWidth, newHeight), image.Size);
        if (mode == "Pad")
            Assert.Equal([122, 116, 104], image.Rgb[..3].ToArray());
    }

    [Fact]
    public void Process_UnknownMode_NamesTheModes() =>
        Assert.Contains("Resize", Assert.Throws<UnknownNameException>(() => ConversationImage.Process(PictureFiles.Random(1, 2, 2), "Stretch")).Message);

    [Fact]
    public void Process_SideWouldBecomeZero_IsATypedError() =>
        Assert.Throws<ImageException>(() => ConversationImage.Process(Image.FromRgb(1, 1400, new byte[4200]), "Default"));

    [Fact]
    public void Process_StoredPicture_KeepsItsMode()
    {
        var palette = new RawImage(RawMode.Palette, 30, 20, new byte[600], new byte[768]);
        Assert.Equal(RawMode.Palette, ConversationImage.Process(palette, "Pad").Mode);
        Assert.Equal("LA", ConversationImage.Process(new RawImage(RawMode.GrayAlpha, 30, 20, new byte[1200]), "Resize").ModeName);
        Assert.Equal([122, 116, 104, 255], ConversationImage.Process(new RawImage(RawMode.Rgba, 30, 20, new byte[2400]), "Pad").PixelAt(0, 0).ToArray());
        Assert.Throws<ImageException>(() => ConversationImage.Process(new RawImage(RawMode.Gray, 30, 20, new byte[600]), "Pad"));
    }
}
