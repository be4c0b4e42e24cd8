using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace LlavaSharp.Native;

/// <summary>Asks NVIDIA's driver which devices there are; it needs no CUDA package, only the driver.</summary>
internal static unsafe class CudaDriver
{
    private const int CapabilityMajor = 75;
    private const int CapabilityMinor = 76;

    /// <summary>A device as the driver tells of it.</summary>
    public readonly record struct Device(string Name, long Memory, string ComputeCapability);

    /// <summary>The devices; empty without driver or device.</summary>
    public static IReadOnlyList<Device> Devices()
    {
        if (!Load(out var driver))
            return [];
        if (!Find("cuInit", out var init) || !Find("cuDeviceGetCount", out var getCount) || !Find("cuDeviceGet", out var get)
            || !Find("cuDeviceGetName", out var getName) || !Find("cuDeviceTotalMem_v2", out var getMemory) || !Find("cuDeviceGetAttribute", out var getAttribute))
            return [];
        int count;
        if (((delegate* unmanaged<uint, int>)init)(0) != 0 || ((delegate* unmanaged<int*, int>)getCount)(&count) != 0)
            return [];
        var devices = new List<Device>();
        var name = stackalloc byte[256];
        for (var i = 0; i < count; i++)
        {
            int device, major, minor;
            nuint memory;
            if (((delegate* unmanaged<int*, int, int>)get)(&device, i) != 0
                || ((delegate* unmanaged<byte*, int, int, int>)getName)(name, 256, device) != 0
                || ((delegate* unmanaged<nuint*, int, int>)getMemory)(&memory, device) != 0
                || ((delegate* unmanaged<int*, int, int, int>)getAttribute)(&major, CapabilityMajor, device) != 0
                || ((delegate* unmanaged<int*, int, int, int>)getAttribute)(&minor, CapabilityMinor, device) != 0)
                continue;
            devices.Add(new(Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)), (long)memory, string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}")));
        }
        return devices;

        bool Find(string function, out nint address) => NativeLibrary.TryGetExport(driver, function, out address);
    }

    /// <summary>The bytes that are free on a device; null when the driver does not say.</summary>
    /// <param name="index">The device's number, among those that this process sees.</param>
    public static long? FreeMemory(int index)
    {
        if (!Load(out var driver) || !Find("cuInit", out var init) || !Find("cuDeviceGet", out var get) || !Find("cuMemGetInfo_v2", out var getInfo)
            || !Find("cuDevicePrimaryCtxRetain", out var retain) || !Find("cuDevicePrimaryCtxRelease_v2", out var release)
            || !Find("cuCtxPushCurrent_v2", out var push) || !Find("cuCtxPopCurrent_v2", out var pop))
            return null;
        int device;
        nint context, previous;
        if (((delegate* unmanaged<uint, int>)init)(0) != 0 || ((delegate* unmanaged<int*, int, int>)get)(&device, index) != 0
            || ((delegate* unmanaged<nint*, int, int>)retain)(&context, device) != 0)
            return null;
        try
        {
            // the context that libtorch uses, too
            nuint free, total;
            if (((delegate* unmanaged<nint, int>)push)(context) != 0)
                return null;
            var asked = ((delegate* unmanaged<nuint*, nuint*, int>)getInfo)(&free, &total);
            _ = ((delegate* unmanaged<nint*, int>)pop)(&previous);
            return asked == 0 ? (long)free : null;
        }
        finally
        {
            _ = ((delegate* unmanaged<int, int>)release)(device);
        }

        bool Find(string function, out nint address) => NativeLibrary.TryGetExport(driver, function, out address);
    }

    private static bool Load(out nint driver)
    {
        driver = 0;
        return !OperatingSystem.IsMacOS() && NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out driver);
    }
}
