using System.Globalization;
using System.IO.Hashing;
using System.Text;
using LlavaSharp.Checkpoints;
using LlavaSharp.Models;
using LlavaSharp.Native;

namespace LlavaSharp.Quantization;

/// <summary>Checkpoints that were quantised while loading, so that it happens once: folders below <c>quantized</c> in the cache folder, made anew when a source file changes.</summary>
internal static class QuantizedCache
{
    /// <summary>The folder with the packed form of a checkpoint, made now if need be; null when the options ask for none, or the checkpoint is packed itself.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="baseFolder">What it belongs to.</param>
    /// <param name="options">How it is loaded.</param>
    /// <exception cref="LlavaException">The checkpoint or an option is at fault, or the cache cannot be written.</exception>
    public static string? Find(string folder, string? baseFolder, LoadOptions options)
    {
        if (options.Bits is not { } bits || !options.UsesPackedForm(ComputeDevice.ParseAll(options.Device)[0]))
            return null;
        if (PackedBits(folder) is { } packed)
        {
            return packed == bits ? null
                : throw new CheckpointException($"'{folder}' holds {packed}-bit weights; {bits} bits were asked for. Leave --load-{bits}bit out, or load the checkpoint that it was made from.", folder);
        }
        if (options.ConfigOverrides.Count > 0)
            throw new LlavaException("Values of config.json cannot be overridden while a checkpoint is quantised into the cache: change the file, or use the form nf4.");
        var name = $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))}-{bits}bit-{Key(folder, baseFolder, bits)}";
        var target = Path.Combine(CacheFolder.Root, "quantized", name);
        if (File.Exists(Path.Combine(target, "config.json")))
        {
            options.Notice?.Invoke($"Using the {bits}-bit weights made earlier: {target}");
            return target;
        }
        options.Notice?.Invoke($"Quantising '{folder}' to {bits} bits, once: {target}");
        try
        {
            CheckpointQuantizer.Quantize(folder, baseFolder, target, new() { Bits = bits, Offline = options.Offline, Progress = options.QuantizationProgress });
        }
        catch (LlavaException) when (File.Exists(Path.Combine(target, "config.json")))
        {
            // another process was faster; a folder appears there only when it is whole
        }
        return target;
    }

    // what a folder's own config says of its weights
    private static int? PackedBits(string folder)
    {
        var path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
            return null;
        var quantization = new ConfigReader(ConfigFile.Read(path), path).Object("quantization_config");
        return quantization is { } found && found.Text("quant_method") == CheckpointQuantizer.Method ? found.Integer("bits", 1, 32) : null;
    }

    private static string Key(string folder, string? baseFolder, int bits)
    {
        var hash = new XxHash3();
        Append($"{PackedHeader.Version}|{CheckpointQuantizer.Rules}|{bits}");
        foreach (var root in new[] { folder, baseFolder })
        {
            if (root is null)
                continue;
            var files = Directory.Exists(root) ? new DirectoryInfo(root).EnumerateFiles("*", SearchOption.AllDirectories) : [new FileInfo(root)];
            foreach (var file in files.OrderBy(file => file.FullName, StringComparer.Ordinal))
                Append(string.Create(CultureInfo.InvariantCulture, $"{file.FullName}|{file.Length}|{file.LastWriteTimeUtc.Ticks}"));
        }
        return hash.GetCurrentHashAsUInt64().ToString("x16", CultureInfo.InvariantCulture);

        void Append(string text) => hash.Append(Encoding.UTF8.GetBytes(text + "\n"));
    }
}
