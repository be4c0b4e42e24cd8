using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

public class PillowResizeTests
{
    [Fact]
    public void Resize_ManySizesAndChannels_EqualsThePlainFormula()
    {
        var random = new Random(1);
        for (var i = 0; i < 120; i++)
        {
            var channels = random.Next(1, 5);
            int width = random.Next(1, 60), height = random.Next(1, 40), newWidth = random.Next(1, 70), newHeight = random.Next(1, 50);
            var pixels = new byte[channels * width * height];
            random.NextBytes(pixels);
            var actual = new byte[channels * newWidth * newHeight];
            PillowResize.Resample(new PaddedPixels(pixels, width, height, channels), new ResizeWindow(newWidth, newHeight, 0, 0, newWidth, newHeight), actual, channels * newWidth);
            Assert.Equal(Plain(Plain(pixels, width, height, channels, newWidth, across: true), newWidth, height, channels, newHeight, across: false), actual);
        }
    }

    [Fact]
    public void Resample_Window_EqualsThatPartOfTheWholePicture()
    {
        var random = new Random(2);
        for (var i = 0; i < 100; i++)
        {
            var image = PictureFiles.Random(i, random.Next(1, 80), random.Next(1, 80));
            int width = random.Next(1, 90), height = random.Next(1, 90);
            var whole = PillowResize.Resize(image, width, height);
            int left = random.Next(width), top = random.Next(height), columns = random.Next(1, width - left + 1), rows = random.Next(1, height - top + 1);
            var actual = new byte[3 * columns * rows];
            PillowResize.Resample(new PaddedPixels(image.Rgb, image.Width, image.Height, 3), new ResizeWindow(width, height, left, top, columns, rows), actual, 3 * columns);
            for (var y = 0; y < rows; y++)
                Assert.Equal(whole.Rgb.Slice(3 * ((top + y) * width + left), 3 * columns).ToArray(), actual.AsSpan(3 * y * columns, 3 * columns).ToArray());
        }
    }

    [Fact]
    public void Resample_OnACanvas_EqualsThePaddedPicture()
    {
        var random = new Random(3);
        var processor = new ClipImageProcessor(28);
        for (var i = 0; i < 100; i++)
        {
            var image = PictureFiles.Random(i, random.Next(1, 80), random.Next(1, 80));
            var padded = ImageGeometry.ExpandToSquare(image, processor.PadColour);
            Assert.Equal(processor.Preprocess(padded).Data, ImagePreprocessor.Process([image], processor, "pad")[0].Data);
        }
    }

    [Fact]
    public void Resize_RowsNeverSeeEachOthersBytes_AtTheEndOfThePicture()
    {
        // The vector reads one byte behind the last pixel: it must not matter what lies there.
        var image = Image.FromRgb(2, 1, [10, 20, 30, 40, 50, 60]);
        Assert.Equal(PillowResize.Resize(Image.FromRgb(2, 2, [10, 20, 30, 40, 50, 60, 10, 20, 30, 40, 50, 60]), 3, 2).Rgb[..9].ToArray(), PillowResize.Resize(image, 3, 1).Rgb.ToArray());
    }

    [Fact]
    public void Resize_SameSize_IsTheSamePicture()
    {
        var image = PictureFiles.Random(4, 5, 6);
        Assert.Same(image, PillowResize.Resize(image, 5, 6));
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 0)]
    [InlineData(-1, 5)]
    [InlineData(1_000_000, 1_000_000)]
    public void Resize_ImpossibleSize_IsATypedError(int width, int height) =>
        Assert.Throws<ImageException>(() => PillowResize.Resize(PictureFiles.Random(4, 5, 6), width, height));

    [Fact]
    public void Preprocess_StripOfAMillionPixels_NeedsLittleMemory()
    {
        var strip = Image.FromRgb(1, 1_000_000, new byte[3_000_000]);
        var processor = new ClipImageProcessor(336);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(3 * 336 * 336, processor.Preprocess(strip).Data.Length);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64 << 20);
    }

    [Fact]
    public void Resize_Palette_TakesTheNearestIndex()
    {
        var image = new RawImage(RawMode.Palette, 4, 1, [7, 200, 3, 90], new byte[768]);
        Assert.Equal([7, 7, 200, 200, 3, 3, 90, 90], PillowResize.Resize(image, 8, 1).Data);
        Assert.Equal([200, 90], PillowResize.Resize(image, 2, 1).Data);
    }

    // The sums of the definition, one value at a time.
    private static byte[] Plain(byte[] pixels, int width, int height, int channels, int output, bool across)
    {
        var input = across ? width : height;
        if (input == output)
            return pixels;
        int lines = across ? height : width, step = across ? channels : channels * width, outputStep = across ? channels : channels * width;
        var result = new byte[channels * output * lines];
        var scale = (double)input / output;
        var stretch = Math.Max(scale, 1);
        for (var i = 0; i < output; i++)
        {
            var centre = (i + 0.5) * scale;
            int low = Math.Max(0, (int)(centre - 2 * stretch + 0.5)), high = Math.Min(input, (int)(centre + 2 * stretch + 0.5));
            double[] weights = [.. Enumerable.Range(low, high - low).Select(x => Kernel((x - centre + 0.5) * (1 / stretch)))];
            var total = 0.0;
            foreach (var weight in weights)
                total += weight;
            int[] fixedPoint = [.. weights.Select(w => (int)(w / total * 4194304 + (w / total < 0 ? -0.5 : 0.5)))];
            for (var line = 0; line < lines; line++)
                for (var channel = 0; channel < channels; channel++)
                {
                    var from = (across ? line * width * channels : line * channels) + channel;
                    long sum = 1 << 21;
                    for (var t = 0; t < fixedPoint.Length; t++)
                        sum += pixels[from + (low + t) * step] * (long)fixedPoint[t];
                    result[(across ? line * output * channels : line * channels) + channel + i * outputStep] = (byte)Math.Clamp(sum >> 22, 0, 255);
                }
        }
        return result;

        static double Kernel(double t) => Math.Abs(t) switch
        {
            < 1 and var x => (1.5 * x - 2.5) * x * x + 1,
            < 2 and var x => (((x - 5) * x + 8) * x - 4) * -0.5,
            _ => 0,
        };
    }
}
