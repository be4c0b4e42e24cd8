using System.Text.Json;
using LlavaSharp.Imaging;

namespace LlavaSharp.Parity.Areas;

/// <summary>The pictures of the area: decoded and checked, and handed to the checks that come after decoding.</summary>
internal sealed class ImagingSources(AreaRun run)
{
    private const double AllowedMeanDifference = 1;
    private const int LargeDifference = 8;
    private const double AllowedShareOfLarge = 0.02;

    private readonly Dictionary<string, string> _decodedOf = [];
    private readonly Dictionary<string, Image> _images = [];

    public void Check()
    {
        // pictures, and what belongs to them, that no row of a smaller copy names
        foreach (var folder in (ReadOnlySpan<string>)["sources", "decoded", "resized"])
            run.UseAll(folder);
        if (!run.Has("sources.json"))
            return;
        foreach (var row in run.Json("sources.json").EnumerateArray())
        {
            var file = row.GetProperty("file").GetString()!;
            if (row.TryGetProperty("lossy", out var lossy) && lossy.GetBoolean() && row.TextOrNull("decoded") is { } decoded && run.Has(decoded))
                _decodedOf[file] = decoded;
            run.Case($"sources.json:{file}", c => CheckRow(c, row, file));
        }
    }

    /// <summary>The RGB that everything after decoding starts from: of lossy pictures, that of the PNG in <c>decoded</c>.</summary>
    public Image Rgb(string name)
    {
        if (!_images.TryGetValue(name, out var image))
            _images[name] = image = Image.Load(run.Use(_decodedOf.GetValueOrDefault($"sources/{name}", $"sources/{name}")));
        return image;
    }

    /// <summary>The picture as opened; a lossy one is gray or RGB, and both are in its decoded PNG.</summary>
    public RawImage Raw(string name)
    {
        var raw = Decode($"sources/{name}");
        if (!_decodedOf.ContainsKey($"sources/{name}") || raw.Mode is not (RawMode.Gray or RawMode.Rgb))
            return raw;
        var rgb = Rgb(name);
        return raw with { Data = raw.Mode == RawMode.Rgb ? rgb.Rgb.ToArray() : [.. rgb.Rgb.ToArray().Where((_, i) => i % 3 == 0)] };
    }

    public RawImage Decode(string file) => ImageDecoder.Decode(File.ReadAllBytes(run.Use(file)), null, file);

    private void CheckRow(Comparison c, JsonElement row, string file)
    {
        c.Fields(row, "file", "format", "mode", "size", "frames", "exif_orientation", "note", "rgb_size", "rgb_sha256", "lossy", "decoded", "first_pixels", "error");
        if (c.ErrorRow(row, () => Image.Load(run.Use(file))))
            return;
        var image = Image.Load(run.Use(file));
        c.Equal("rgb_size", (row.GetProperty("rgb_size")[0].GetInt32(), row.GetProperty("rgb_size")[1].GetInt32()), image.Size);
        if (row.GetProperty("lossy").GetBoolean())
        {
            if (_decodedOf.TryGetValue(file, out var decoded))
                CompareLossy(c, Image.Load(run.Use(decoded)), image);
            return;
        }
        c.Equal("rgb_sha256", row.GetProperty("rgb_sha256").GetString(), ImagingArea.Hash(image.Rgb));
        var x = 0;
        foreach (var pixel in row.GetProperty("first_pixels").EnumerateArray())
            c.Sequence($"first_pixels[{x}]", pixel.EnumerateArray().Select(v => v.GetByte()), image.Rgb.Slice(3 * x++, 3).ToArray());
    }

    private static void CompareLossy(Comparison c, Image expected, Image actual)
    {
        c.Equal("size of the decoded picture", expected.Size, actual.Size);
        if (expected.Size != actual.Size)
            return;
        long sum = 0, large = 0;
        for (var i = 0; i < expected.Rgb.Length; i++)
        {
            var difference = Math.Abs(expected.Rgb[i] - actual.Rgb[i]);
            sum += difference;
            large += difference > LargeDifference ? 1 : 0;
        }
        c.Close("mean absolute difference", 0, (double)sum / expected.Rgb.Length, AllowedMeanDifference);
        c.Close($"share of samples off by more than {LargeDifference}", 0, (double)large / expected.Rgb.Length, AllowedShareOfLarge);
    }
}
