using System.Globalization;
using LlavaSharp.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>From the words of a user to a device and a data type of libtorch.</summary>
internal static class ComputeDevice
{
    private static readonly string[] DeviceNames = ["auto", "cpu", "cuda", "cuda:0", "mps"];
    private static readonly string[] TypeNames = ["auto", "float32", "bfloat16", "float16"];

    /// <summary>The devices of a list of names, with commas between; auto takes a GPU when there is one.</summary>
    /// <exception cref="UnknownNameException">No such name.</exception>
    /// <exception cref="LlavaException">A device is not there, or they are of different kinds.</exception>
    public static IReadOnlyList<Device> ParseAll(string names)
    {
        CheckName(names);
        return [.. names.Split(',').Select(Parse)];
    }

    private static Device Parse(string name)
    {
        var index = Index(name);
        TorchRuntime.Initialize();
        switch (name)
        {
            case "auto":
                return cuda.is_available() ? CUDA : mps_is_available() ? MPS : CPU;
            case "cpu":
                return CPU;
            case "mps":
                return mps_is_available() ? MPS : throw new LlavaException("There is no Metal GPU that libtorch can use (--device mps). Use --device cpu.");
        }
        if (!cuda.is_available())
            throw new LlavaException($"There is no CUDA GPU that libtorch can use (--device {name}). Build with -p:LlavaTorchBackend=cuda on a machine with an NVIDIA driver, or use --device cpu.");
        if (index >= cuda.device_count())
            throw new LlavaException($"There are {cuda.device_count()} CUDA GPUs, numbered from 0; '{name}' is none of them.");
        return new Device(DeviceType.CUDA, index);
    }

    /// <summary>Refuses what names no device, or devices that cannot go together, without asking libtorch whether they are there.</summary>
    /// <exception cref="UnknownNameException">No such name.</exception>
    /// <exception cref="LlavaException">The devices are of different kinds.</exception>
    public static void CheckName(string names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var all = names.Split(',');
        foreach (var name in all)
            _ = Index(name);
        var kinds = all.Select(name => name.Split(':')[0]).Distinct().ToArray();
        if (all.Length > 1 && (kinds.Length > 1 || kinds[0] is "auto" or "mps"))
            throw new LlavaException($"A model is split over several GPUs of CUDA, or over the CPU named several times, not over '{names}'. Name devices of one kind, such as cuda:0,cuda:1.");
    }

    // the number of the GPU
    private static int Index(string name)
    {
        if (name is "auto" or "cpu" or "mps" or "cuda")
            return 0;
        return name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? index
            : throw new UnknownNameException("device", name, DeviceNames);
    }

    /// <summary>Refuses a name that is none of a data type; touches nothing of libtorch.</summary>
    /// <exception cref="UnknownNameException">No such name.</exception>
    public static void CheckTypeName(string name)
    {
        if (!TypeNames.Contains(name))
            throw new UnknownNameException("data type", name, TypeNames);
    }

    /// <summary>The type of that name, or null for "auto".</summary>
    /// <exception cref="UnknownNameException">No such name.</exception>
    public static ScalarType? ParseType(string name) => name switch
    {
        "auto" => null,
        "float32" => ScalarType.Float32,
        "bfloat16" => ScalarType.BFloat16,
        "float16" => ScalarType.Float16,
        _ => throw new UnknownNameException("data type", name, TypeNames),
    };

    /// <summary>The name of a type, as users write it.</summary>
    public static string Name(ScalarType type) => type.ToString().ToLowerInvariant();
}
