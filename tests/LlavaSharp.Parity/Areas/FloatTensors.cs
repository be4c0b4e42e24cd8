using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlavaSharp.Parity.Areas;

/// <summary>The float32 tensors of a safetensors file, read independently of the product.</summary>
internal sealed class FloatTensors
{
    private readonly Dictionary<string, (int[] Shape, float[] Data)> _tensors = [];

    public FloatTensors(string path)
    {
        var file = File.ReadAllBytes(path);
        var headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        foreach (var entry in header.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
                continue;
            if (entry.Value.GetProperty("dtype").GetString() != "F32")
                throw new InvalidDataException($"{entry.Name} is not float32");
            var offsets = entry.Value.GetProperty("data_offsets");
            var bytes = file.AsSpan(8 + headerLength + offsets[0].GetInt32(), offsets[1].GetInt32() - offsets[0].GetInt32());
            _tensors[entry.Name] = ([.. entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())], MemoryMarshal.Cast<byte, float>(bytes).ToArray());
        }
    }

    /// <summary>A tensor, or null where a smaller copy has none of that name.</summary>
    public (int[] Shape, float[] Data)? Find(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor : null;
}
