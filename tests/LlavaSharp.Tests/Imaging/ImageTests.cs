using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

public sealed class ImageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llava-imaging-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(100, 41)]
    public void EncodePng_ReadAgain_IsTheSamePicture(int width, int height)
    {
        var image = PictureFiles.Random(width, width, height);
        var again = Image.FromBytes(image.EncodePng());
        Assert.Equal(image.Size, again.Size);
        Assert.Equal(image.Rgb.ToArray(), again.Rgb.ToArray());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(100, 41)]
    public void EncodePng_GrayPicture_StaysGray(int width, int height)
    {
        var gray = new byte[width * height];
        new Random(width).NextBytes(gray);
        var image = new RawImage(RawMode.Gray, width, height, gray).ToRgb();
        Assert.True(image.IsGray);
        Assert.Equal(gray, image.StoredPixels());
        var file = image.EncodePng();
        var again = ImageDecoder.Decode(file, null, null);
        Assert.Equal(RawMode.Gray, again.Mode);
        Assert.Equal(gray, again.Data);
        var smaller = PillowResize.Resize(image, 5, 6);
        Assert.True(smaller.IsGray);
        Assert.Equal(PillowResize.Resize(new RawImage(RawMode.Gray, width, height, gray), 5, 6).Data, smaller.StoredPixels());
        Assert.False(PictureFiles.Random(1, 2, 2).IsGray);
        // a coloured border is not gray
        Assert.Equal(width == height, ConversationImage.Process(image, "Pad").IsGray);
    }

    [Fact]
    public void EncodeJpeg_ReadAgain_IsNear()
    {
        var image = Image.FromBytes(PictureFiles.Golden("square336.png"));
        var again = Image.FromBytes(image.EncodeJpeg(95));
        var difference = 0.0;
        for (var i = 0; i < image.Rgb.Length; i++)
            difference += Math.Abs(image.Rgb[i] - again.Rgb[i]);
        Assert.InRange(difference / image.Rgb.Length, 0, 3);
        Assert.True(image.EncodeJpeg(10).Length < image.EncodeJpeg(95).Length);
    }

    [Fact]
    public void Save_ByExtension_LeavesOneFile()
    {
        var image = PictureFiles.Random(1, 20, 10);
        var path = Path.Combine(_folder, "a.PNG");
        image.Save(path);
        image.Save(path);
        Assert.Equal([path], Directory.GetFiles(_folder));
        Assert.Equal(image.ContentHash, Image.Load(path).ContentHash);
    }

    [Fact]
    public void Save_UnknownExtension_NamesThoseThatAreKnown()
    {
        var error = Assert.Throws<UnknownNameException>(() => PictureFiles.Random(1, 2, 2).Save(Path.Combine(_folder, "a.tiff")));
        Assert.Contains(".jpg", error.Message);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Save_FolderThatIsNotThere_IsATypedError() =>
        Assert.Throws<ImageException>(() => PictureFiles.Random(1, 2, 2).Save(Path.Combine(_folder, "no", "a.png")));

    [Fact]
    public void ContentHash_DependsOnPixelsAndShape_NotOnTheFile()
    {
        var image = PictureFiles.Random(1, 6, 4);
        Assert.Equal(image.ContentHash, Image.FromBytes(image.EncodePng()).ContentHash);
        Assert.NotEqual(image.ContentHash, Image.FromRgb(4, 6, image.Rgb.ToArray()).ContentHash);
        Assert.Equal(64, image.ContentHash.Length);
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(2, 2, 11)]
    [InlineData(-1, -1, 3)]
    [InlineData(65536, 65536, 3)]
    public void FromRgb_WrongSize_IsATypedError(int width, int height, int length) =>
        Assert.Throws<ImageException>(() => Image.FromRgb(width, height, new byte[length]));

    [Fact]
    public void Load_MissingFile_NamesIt()
    {
        var error = Assert.Throws<ImageException>(() => Image.Load(Path.Combine(_folder, "missing.png")));
        Assert.Contains("missing.png", error.Message);
        Assert.EndsWith("missing.png", error.PictureSource);
    }

    [Fact]
    public void Load_Folder_IsATypedError() => Assert.Contains("is a folder", Assert.Throws<ImageException>(() => Image.Load(_folder)).Message);

    [Fact]
    public void Load_FileLargerThanTheLimit_IsRefused()
    {
        var path = TestFiles.Golden("imaging", "sources", "big.png");
        Assert.Contains("limit", Assert.Throws<ImageException>(() => Image.Load(path, new ImageLoadOptions { MaximumBytes = 100 })).Message);
    }

    [Fact]
    public void Load_FilesNotAllowed_IsRefused() =>
        Assert.Contains("not allowed", Assert.Throws<ImageException>(() =>
            Image.Load(TestFiles.Golden("imaging", "sources", "big.png"), new ImageLoadOptions { AllowFiles = false })).Message);

    [Theory]
    [InlineData("ftp://host/picture.png")]
    [InlineData("file:///etc/hosts")]
    public void Load_OtherScheme_IsRefused(string source) =>
        Assert.Contains("only http and https", Assert.Throws<ImageException>(() => Image.Load(source)).Message);

    [Fact]
    public void Load_DataUri_IsRead()
    {
        var image = PictureFiles.Random(1, 5, 5);
        Assert.Equal(image.ContentHash, Image.Load("data:image/png;base64," + Convert.ToBase64String(image.EncodePng())).ContentHash);
    }

    [Theory]
    [InlineData("data:")]
    [InlineData("data:image/png,abc")]
    [InlineData("data:image/png;base64,§§§")]
    [InlineData("data:image/png;base64,AAA")]
    [InlineData("data:image/png;base64,AAAA")]
    [InlineData("data:image/png;base64,")]
    public void Load_BrokenDataUri_IsATypedError(string source) => Assert.Throws<ImageException>(() => Image.Load(source));

    [Fact]
    public void Load_DataUriLargerThanTheLimit_IsRefused() =>
        Assert.Contains("limit", Assert.Throws<ImageException>(() => Image.Load("data:image/png;base64," + new string('A', 4000), new ImageLoadOptions { MaximumBytes = 100 })).Message);
}
