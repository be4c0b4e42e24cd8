using System.Globalization;

namespace LlavaSharp.Models;

/// <summary>
/// Which device each layer of a language model lies on: whole layers, in order, as much on each device as its free memory is worth (as accelerate's
/// <c>device_map="auto"</c> does for the original). What comes before the layers lies on the first device, what comes behind them on that of the last layer.
/// </summary>
/// <remarks>Knows no tensor.</remarks>
internal sealed class DevicePlan
{
    /// <summary>What of a device's free memory weights may take; keys, values and activations need the rest.</summary>
    public const double ShareForWeights = 0.9;

    private DevicePlan(IReadOnlyList<int> layers, IReadOnlyList<long> used) => (Layers, Used) = (layers, used);

    /// <summary>The device of each layer, by its place in the list of devices; it never falls.</summary>
    public IReadOnlyList<int> Layers { get; }

    /// <summary>The bytes of weights on each device.</summary>
    public IReadOnlyList<long> Used { get; }

    /// <summary>Plans where a model lies.</summary>
    /// <param name="devices">The devices, in the order in which hidden states go through them.</param>
    /// <param name="sizes">What the parts take.</param>
    /// <exception cref="DeviceMemoryException">It does not fit.</exception>
    public static DevicePlan Create(IReadOnlyList<DeviceRoom> devices, PartSizes sizes)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        ArgumentOutOfRangeException.ThrowIfZero(devices.Count);
        // the first part is not movable, and the last one stands with the last layer
        long[] parts = [sizes.Beginning, .. sizes.Layers];
        parts[^1] += sizes.End;
        long[] rooms = [.. devices.Select(device => (long)(ShareForWeights * device.Free))];
        var ends = Balance(parts, rooms) ?? throw TooLarge(devices, rooms, parts, sizes.Total);
        var layers = new int[sizes.Layers.Count];
        var used = new long[rooms.Length];
        for (int part = 0, device = 0; part < parts.Length; part++)
        {
            while (part >= ends[device])
                device++;
            used[device] += parts[part];
            if (part > 0)
                layers[part - 1] = device;
        }
        return new(layers, used);
    }

    // where each device's parts end, so that the sum of used^2 / room is least, which is so where all are filled alike; null when nothing fits
    private static int[]? Balance(long[] parts, long[] rooms)
    {
        var sums = new long[parts.Length + 1];
        for (var i = 0; i < parts.Length; i++)
            sums[i + 1] = sums[i] + parts[i];
        var cost = new double[rooms.Length, parts.Length + 1];
        var from = new int[rooms.Length, parts.Length + 1];
        for (var device = 0; device < rooms.Length; device++)
        {
            for (var end = 0; end <= parts.Length; end++)
            {
                cost[device, end] = double.PositiveInfinity;
                // the first device has what comes before the layers, whatever else it has
                for (var start = device == 0 ? 0 : 1; start <= (device == 0 ? 0 : end); start++)
                {
                    var bytes = sums[end] - sums[start];
                    if (bytes > rooms[device] || (device == 0 && end == 0))
                        continue;
                    var before = device == 0 ? 0 : cost[device - 1, start];
                    var all = before + (bytes == 0 ? 0 : (double)bytes * bytes / rooms[device]);
                    if (all < cost[device, end])
                        (cost[device, end], from[device, end]) = (all, start);
                }
            }
        }
        if (double.IsPositiveInfinity(cost[rooms.Length - 1, parts.Length]))
            return null;
        var ends = new int[rooms.Length];
        for (int device = rooms.Length - 1, end = parts.Length; device >= 0; end = from[device, end], device--)
            ends[device] = end;
        return ends;
    }

    // what is left when every device is filled up in turn
    private static DeviceMemoryException TooLarge(IReadOnlyList<DeviceRoom> devices, long[] rooms, long[] parts, long total)
    {
        var next = 0;
        for (var device = 0; device < rooms.Length; device++)
            for (var left = rooms[device]; next < parts.Length && parts[next] <= left && (next > 0 || device == 0); next++)
                left -= parts[next];
        var missing = next == 0 ? parts[0] - rooms[0] : parts[next..].Sum();
        var where = next == 0
            ? $" '{devices[0].Name}', the first device, takes vision tower, projector and embeddings ({Size(parts[0])}): name a larger one first."
            : " Name more devices, free memory on these, or load in fewer bits (--load-8bit, --load-4bit).";
        return new(
            $"The weights take {Size(total)}, of which {Size(missing)} find no place: free are {string.Join(", ", devices.Select(device => $"{Size(device.Free)} on {device.Name}"))}, of which weights may take {ShareForWeights * 100:0} %.{where}",
            missing);
    }

    /// <summary>A number of bytes in words.</summary>
    public static string Size(long bytes) => bytes < 100_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.###} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.00} GB");
}
