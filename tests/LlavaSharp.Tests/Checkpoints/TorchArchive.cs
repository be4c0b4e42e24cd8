using System.IO.Compression;
using System.Text;

namespace LlavaSharp.Tests.Checkpoints;

/// <summary>Builds PyTorch files with any pickle.</summary>
internal static class TorchArchive
{
    public static byte[] With(ReadOnlySpan<byte> pickle, CompressionLevel level = CompressionLevel.NoCompression, params (string Name, byte[] Bytes)[] entries)
    {
        using var buffer = new MemoryStream();
        using (var archive = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(archive, "a/data.pkl", pickle, level);
            foreach (var (name, bytes) in entries)
                Add(archive, "a/" + name, bytes, level);
        }
        return buffer.ToArray();
    }

    /// <summary>A pickle in which @x stands for the byte 0xhh that follows as two hex digits, such as @80.</summary>
    public static byte[] Pickle(string text)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '@')
            {
                bytes.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
            }
        return [.. bytes];
    }

    /// <summary>A dictionary with one tensor "w" over storage 0 of float32 numbers.</summary>
    public static byte[] OneTensor(int count, int offset, (byte, byte) shape, (byte, byte) strides, string storage = "FloatStorage", string key = "0") => Pickle(
        $"@80@02}}X@01@00@00@00wctorch._utils\n_rebuild_tensor_v2\n((X@07@00@00@00storagectorch\n{storage}\nX@{key.Length:x2}@00@00@00{key}X@03@00@00@00cpuK@{count:x2}tQK@{offset:x2}"
        + $"K@{shape.Item1:x2}K@{shape.Item2:x2}@86K@{strides.Item1:x2}K@{strides.Item2:x2}@86@89ccollections\nOrderedDict\n)RtRs.");

    private static void Add(ZipArchive archive, string name, ReadOnlySpan<byte> bytes, CompressionLevel level)
    {
        using var stream = archive.CreateEntry(name, level).Open();
        stream.Write(bytes);
    }
}
