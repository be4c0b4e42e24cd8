using System.Buffers.Binary;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

public class ImageFuzzTests
{
    private const int Inputs = 5000;
    private const long AllowedPixels = 50_000;

    [Theory]
    [InlineData(1, "gray8.png", "rgba.png", "palette_transparent.png", "interlaced.png", "rgb16.png", "gray_alpha.png", "bilevel.png", "gray16.png")]
    [InlineData(2, "animated.gif", "transparent.gif")]
    [InlineData(3, "rgb.bmp", "palette.bmp", "bmp:runs8", "bmp:runs4", "bmp:masks")]
    [InlineData(4, "jpeg422.jpg", "jpeg_gray.jpg", "jpeg_cmyk.jpg", "jpeg_exif.jpg", "jpeg:progressive")]
    [InlineData(5, "webp_lossy.webp", "webp_lossless.webp", "webp_alpha.webp")]
    public void Reader_MutatedFiles_OnlyTypedErrors(int seed, params string[] names)
    {
        byte[][] files = [.. names.Select(Seed)];
        var random = new Random(seed);
        var options = new ImageLoadOptions { MaximumPixels = AllowedPixels };
        int read = 0, refused = 0;
        for (var i = 0; i < Inputs; i++)
        {
            var file = Mutate(files[i % files.Length], random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                var image = Image.FromBytes(file, options);
                Assert.True(image.Width * (long)image.Height <= AllowedPixels);
                read++;
            }
            catch (ImageException)
            {
                refused++;
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10L * file.Length + (64 << 20) + 8 * AllowedPixels);
        }
        // Both happen: the mutations neither destroy everything nor leave everything whole.
        Assert.InRange(read, 20, Inputs);
        Assert.InRange(refused, 20, Inputs);
    }

    private static byte[] Seed(string name) => name switch
    {
        "bmp:runs8" => PictureFiles.Bmp(9, 3, 8, 1, new byte[64], [9, 1, 0, 0, 0, 3, 2, 1, 2, 0, 4, 7, 0, 0, 0, 2, 1, 0, 5, 5, 0, 1]),
        "bmp:runs4" => PictureFiles.Bmp(9, 3, 4, 2, new byte[64], [9, 0x12, 0, 0, 0, 5, 0x12, 0x34, 0x50, 0, 4, 0x77, 0, 0, 9, 3, 0, 1]),
        "bmp:masks" => PictureFiles.Bmp(4, 4, 16, 3, [0x00, 0xF8, 0, 0, 0xE0, 0x07, 0, 0, 0x1F, 0, 0, 0], new byte[32]),
        "jpeg:progressive" => PictureFiles.Golden("jpeg_progressive.jpg"),
        _ => PictureFiles.Golden(name),
    };

    private static byte[] Mutate(byte[] original, Random random)
    {
        var file = (byte[])original.Clone();
        var changes = 1 << random.Next(4);
        for (var c = 0; c < changes; c++)
        {
            // Half of the changes hit the header.
            var at = random.Next(2) == 0 ? random.Next(Math.Min(64, file.Length)) : random.Next(file.Length);
            switch (random.Next(6))
            {
                case 0:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    file[at] = (byte)random.Next(256);
                    break;
                case 2:
                    file[at] = random.Next(2) == 0 ? (byte)0 : (byte)255;
                    break;
                case 3 when at + 4 <= file.Length:
                    BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(at), (uint)random.NextInt64(1L << 32));
                    break;
                case 4 when random.Next(4) == 0:
                    file = file[..Math.Max(1, at)];
                    break;
                default:
                    var from = random.Next(file.Length);
                    var length = Math.Min(random.Next(32), file.Length - Math.Max(from, at));
                    file.AsSpan(from, Math.Max(0, length)).ToArray().CopyTo(file, at);
                    break;
            }
        }
        if (random.Next(2) == 0)
            MendChecksum(file);
        return file;
    }

    // Without this, nearly every mutated PNG header would be refused for its checksum alone.
    private static void MendChecksum(byte[] file)
    {
        if (file.Length > 33 && file.AsSpan().StartsWith(PngDecoder.Signature) && file.AsSpan(12, 4).SequenceEqual("IHDR"u8))
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), PngChunk.Checksum("IHDR"u8, file.AsSpan(16, 13)));
    }
}
