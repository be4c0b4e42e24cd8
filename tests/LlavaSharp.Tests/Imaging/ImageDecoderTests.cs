using System.Buffers.Binary;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

public class ImageDecoderTests
{
    private const int Huge = 100_000;

    [Fact]
    public void Png_FourBitGray_IsStretched()
    {
        var image = Image.FromBytes(PictureFiles.Png(3, 1, 4, 0, false, [0, 0x0F, 0x70]));
        Assert.Equal([0, 0, 0, 255, 255, 255, 119, 119, 119], image.Rgb.ToArray());
    }

    [Fact]
    public void Png_ShortPalette_MissingColoursAreBlack()
    {
        var image = Image.FromBytes(PictureFiles.Png(4, 1, 2, 3, false, [0, 0b00_01_10_11], [1, 2, 3, 4, 5, 6]));
        Assert.Equal([1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0], image.Rgb.ToArray());
    }

    [Theory]
    [InlineData(0, 8, 1)]
    [InlineData(4, 8, 2)]
    [InlineData(2, 8, 3)]
    [InlineData(6, 8, 4)]
    [InlineData(2, 16, 6)]
    public void Png_EveryFilter_GivesTheSamePixels(int colour, int depth, int step)
    {
        var random = new Random(colour);
        for (var repeat = 0; repeat < 20; repeat++)
        {
            List<byte> filtered = [], plain = [];
            var above = new byte[17 * step];
            for (var y = 0; y < 5; y++)
            {
                var row = new byte[above.Length];
                random.NextBytes(row);
                plain.Add(0);
                plain.AddRange(row);
                var filter = random.Next(5);
                filtered.Add((byte)filter);
                for (var i = 0; i < row.Length; i++)
                {
                    int left = i >= step ? row[i - step] : 0, corner = i >= step ? above[i - step] : 0;
                    filtered.Add((byte)(row[i] - filter switch { 0 => 0, 1 => left, 2 => above[i], 3 => (left + above[i]) / 2, _ => NearestOf(left, above[i], corner) }));
                }
                above = row;
            }
            var expected = Image.FromBytes(PictureFiles.Png(17, 5, depth, colour, false, [.. plain]));
            Assert.Equal(expected.Rgb.ToArray(), Image.FromBytes(PictureFiles.Png(17, 5, depth, colour, false, [.. filtered])).Rgb.ToArray());
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(5, 3)]
    [InlineData(9, 17)]
    public void Png_InterlacedGray16_IsPutTogetherAndClipped(int width, int height)
    {
        var values = new ushort[width * height];
        for (var i = 0; i < values.Length; i++)
            values[i] = (ushort)(i * 7);
        var rows = new List<byte>();
        foreach (var (x0, y0, dx, dy) in ((int, int, int, int)[])[(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)])
            for (var y = y0; y < height && x0 < width; y += dy)
            {
                rows.Add(0);
                for (var x = x0; x < width; x += dx)
                    rows.AddRange([(byte)(values[y * width + x] >> 8), (byte)values[y * width + x]]);
            }
        var image = Image.FromBytes(PictureFiles.Png(width, height, 16, 0, true, [.. rows]));
        Assert.Equal(values.SelectMany(v => Enumerable.Repeat((byte)Math.Min((int)v, 255), 3)), image.Rgb.ToArray());
    }

    [Fact]
    public void Png_WrongChecksumOfItsHeader_IsBroken()
    {
        var file = PictureFiles.Golden("gray8.png");
        file[19]--;
        Assert.Contains("checksum", Assert.Throws<ImageException>(() => Image.FromBytes(file)).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gif_FrameInsideItsScreen_IsSurroundedByTheTransparentIndex(bool interlaced)
    {
        byte[] palette = [0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90];
        int[] order = interlaced ? [0, 4, 2, 1, 3] : [0, 1, 2, 3, 4];
        byte[] indices = [.. order.SelectMany(row => (byte[])[(byte)(row % 3), 1])];
        var image = Image.FromBytes(PictureFiles.Gif((4, 6), (1, 1, 2, 5), interlaced, palette, indices, transparent: 3));
        Assert.Equal((4, 6), image.Size);
        for (var y = 0; y < 6; y++)
            for (var x = 0; x < 4; x++)
            {
                var index = y == 0 || x is 0 or 3 ? 3 : x == 2 ? 1 : (y - 1) % 3;
                Assert.Equal(palette.AsSpan(3 * index, 3).ToArray(), image.Rgb.Slice(3 * (4 * y + x), 3).ToArray());
            }
    }

    [Fact]
    public void Gif_FrameLargerThanItsScreen_EnlargesIt() =>
        Assert.Equal((5, 3), Image.FromBytes(PictureFiles.Gif((2, 2), (1, 0, 4, 3), false, new byte[12], new byte[12])).Size);

    [Fact]
    public void Bmp_RunLengths_AreExpandedFromTheBottom()
    {
        byte[] palette = [0, 0, 0, 0, 3, 2, 1, 0, 6, 5, 4, 0];
        // Bottom row: three of index 1; end of line; top row: a literal run 2, 1, 2 with its padding; end.
        byte[] runs = [3, 1, 0, 0, 0, 3, 2, 1, 2, 0, 0, 1];
        var image = Image.FromBytes(PictureFiles.Bmp(3, 2, 8, 1, palette, runs));
        Assert.Equal([4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 1, 2, 3, 1, 2, 3], image.Rgb.ToArray());
    }

    [Fact]
    public void Bmp_FourBitRuns_AlternateTheirNibbles()
    {
        byte[] palette = [0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2, 0];
        var image = Image.FromBytes(PictureFiles.Bmp(5, 1, 4, 2, palette, [5, 0x12, 0, 1]));
        Assert.Equal([1, 2, 1, 2, 1], image.Rgb.ToArray().Where((_, i) => i % 3 == 0));
    }

    [Fact]
    public void Bmp_SixteenBits_AreStretchedWithTruncation()
    {
        byte[] masks = [0x00, 0xF8, 0, 0, 0xE0, 0x07, 0, 0, 0x1F, 0, 0, 0];
        var image = Image.FromBytes(PictureFiles.Bmp(1, 1, 16, 3, masks, [0x61, 0x10, 0, 0]));
        Assert.Equal([2 * 255 / 31, 3 * 255 / 63, 1 * 255 / 31], image.Rgb.ToArray());
        Assert.Equal([255, 0, 255 / 31], Image.FromBytes(PictureFiles.Bmp(1, 1, 16, 0, [], [0x01, 0x7C, 0, 0])).Rgb.ToArray());
    }

    [Fact]
    public void Bmp_NegativeHeight_BeginsAtTheTop()
    {
        var image = Image.FromBytes(PictureFiles.Bmp(1, -2, 32, 0, [], [1, 2, 3, 9, 4, 5, 6, 9]));
        Assert.Equal([3, 2, 1, 6, 5, 4], image.Rgb.ToArray());
    }

    [Fact]
    public void Bmp_OneBitPalette_ReadsTheHighBitFirst()
    {
        var image = Image.FromBytes(PictureFiles.Bmp(3, 1, 1, 0, [0, 0, 0, 0, 9, 8, 7, 0], [0b0100_0000, 0, 0, 0]));
        Assert.Equal([0, 0, 0, 7, 8, 9, 0, 0, 0], image.Rgb.ToArray());
    }

    [Fact]
    public void Jpeg_WithOrientation_IsNotTurned() => Assert.Equal((160, 120), Image.FromBytes(PictureFiles.Golden("jpeg_exif.jpg")).Size);

    [Fact]
    public void Bmp_PaletteOfPlainGray_IsOpenedAsGray()
    {
        byte[] ramp = [.. Enumerable.Range(0, 16).SelectMany(i => (byte[])[(byte)i, (byte)i, (byte)i, 0])];
        Assert.Equal(RawMode.Gray, ImageDecoder.Decode(PictureFiles.Bmp(2, 1, 4, 0, ramp, [0x3F, 0, 0, 0]), null, null).Mode);
        byte[] blackAndWhite = [0, 0, 0, 0, 255, 255, 255, 0];
        var bilevel = ImageDecoder.Decode(PictureFiles.Bmp(2, 1, 1, 0, blackAndWhite, [0x40, 0, 0, 0]), null, null);
        Assert.Equal(RawMode.Bilevel, bilevel.Mode);
        Assert.Equal([0, 255], bilevel.Data);
    }

    [Fact]
    public void Gif_PaletteOfPlainGray_IsOpenedAsGray() =>
        Assert.Equal(RawMode.Gray, ImageDecoder.Decode(PictureFiles.Gif((2, 1), (0, 0, 2, 1), false, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], [3, 1]), null, null).Mode);

    [Theory]
    [InlineData("gray8.png")]
    [InlineData("palette.bmp")]
    [InlineData("transparent.gif")]
    [InlineData("jpeg420.jpg")]
    [InlineData("webp_lossy.webp")]
    [InlineData("webp_lossless.webp")]
    public void AnyFormat_ClaimsTooManyPixels_IsRefusedBeforeMemoryIsTaken(string name)
    {
        var file = ClaimSize(PictureFiles.Golden(name), Huge);
        Decode(file); // once, so that one-time costs do not count
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Decode(file);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Contains("more than the limit", error.Message);

        static ImageException Decode(byte[] file) => Assert.Throws<ImageException>(() => Image.FromBytes(file, new ImageLoadOptions { MaximumPixels = 64_000_000 }));
    }

    [Theory]
    [InlineData("rgba.png")]
    [InlineData("interlaced.png")]
    [InlineData("rgb.bmp")]
    [InlineData("palette.bmp")]
    [InlineData("animated.gif")]
    [InlineData("jpeg420.jpg")]
    [InlineData("jpeg_progressive.jpg")]
    [InlineData("webp_lossy.webp")]
    [InlineData("webp_alpha.webp")]
    public void AnyFormat_CutInTheMiddle_IsTruncated(string name)
    {
        var file = PictureFiles.Golden(name);
        // Of an animation the first frame alone must be cut.
        var length = name == "animated.gif" ? 600 : file.Length / 2;
        foreach (var cut in (int[])[length, length / 2, 20, 9])
            Assert.Throws<ImageException>(() => Image.FromBytes(file.AsSpan(0, cut)));
    }

    [Fact]
    public void FewBytes_ClaimAnAllowedButLargePicture_AreTruncatedBeforeMemoryIsTaken()
    {
        var file = PictureFiles.Png(1, 1, 8, 2, false, [0, 1, 2, 3]);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), 8000);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), 8000);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), PngChunk.Checksum("IHDR"u8, file.AsSpan(16, 13)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("truncated", Assert.Throws<ImageException>(() => Image.FromBytes(file)).Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello, this is text and no picture")]
    [InlineData("<svg xmlns='http://www.w3.org/2000/svg'/>")]
    public void NoPicture_IsSaidSo(string text) =>
        Assert.Contains("no picture", Assert.Throws<ImageException>(() => Image.FromBytes(System.Text.Encoding.ASCII.GetBytes(text), null, "notes.txt")).Message);

    private static int NearestOf(int left, int up, int corner)
    {
        var estimate = left + up - corner;
        return new[] { left, up, corner }.OrderBy(v => Math.Abs(estimate - v)).First();
    }

    // Writes a size of 100,000 (or the format's largest) into the header.
    private static byte[] ClaimSize(byte[] file, int side)
    {
        if (file[0] == 0x89)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), side);
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), side);
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), PngChunk.Checksum("IHDR"u8, file.AsSpan(16, 13)));
        }
        else if (file[0] == 'B')
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), side);
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), side);
        }
        else if (file[0] == 'G')
            file.AsSpan(6, 4).Fill(0xFF);
        else if (file[0] == 0xFF)
            file.AsSpan(file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]) + 5, 4).Fill(0xFE);
        else if (file[15] == ' ')
            file.AsSpan(26, 4).Fill(0x3F);
        else
        {
            file.AsSpan(21, 3).Fill(0xFF);
            file[24] |= 0x0F;
        }
        return file;
    }
}
