using LlavaSharp.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>How much memory devices have free.</summary>
internal static class DeviceMemory
{
    /// <summary>The free memory of each device; what is named several times shares it.</summary>
    /// <exception cref="LlavaException">A GPU's driver does not say.</exception>
    public static IReadOnlyList<DeviceRoom> Rooms(IReadOnlyList<Device> devices)
    {
        ArgumentNullException.ThrowIfNull(devices);
        return [.. devices.Select(device => new DeviceRoom(device.ToString(), Free(device) / devices.Count(other => Same(other, device))))];
    }

    private static bool Same(Device one, Device other) => one.type == other.type && Math.Max(0, one.index) == Math.Max(0, other.index);

    // Metal GPUs use the main memory
    private static long Free(Device device) => device.type != DeviceType.CUDA
        ? MemoryInspector.Inspect().Free
        : CudaDriver.FreeMemory(Math.Max(0, device.index)) ?? throw new LlavaException($"NVIDIA's driver does not say how much memory is free on {device}. Update the driver.");
}
