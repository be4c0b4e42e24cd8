using System.Buffers.Binary;
using System.Text;
using LlavaSharp.IO;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>A GGUF file (versions 2 and 3, little-endian): named values, then tensors, memory-mapped.</summary>
internal sealed class GgufFile : IDisposable
{
    /// <summary>The most dimensions a tensor may have.</summary>
    public const int MaxDimensions = 4;

    /// <summary>Where the file does not say otherwise, tensors begin at multiples of so many bytes.</summary>
    public const int DefaultAlignment = 32;

    private const int MaxArrayDepth = 2;
    private const int HeaderBytes = 24;   // magic, version, number of tensors, number of values
    private readonly TensorMemory _map;
    private readonly long _metadataEnd;

    private GgufFile(TensorMemory map, IReadOnlyDictionary<string, object> metadata, IReadOnlyDictionary<string, GgufTensor> tensors, long metadataEnd) =>
        (_map, Metadata, Tensors, _metadataEnd) = (map, metadata, tensors, metadataEnd);

    /// <summary>The file.</summary>
    public string File => _map.Path;

    /// <summary>Its values by name: a number (<see cref="long"/>, <see cref="ulong"/> or <see cref="double"/>), <see cref="bool"/>, <see cref="string"/>, or an array of one of these.</summary>
    public IReadOnlyDictionary<string, object> Metadata { get; }

    /// <summary>Its tensors by name.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors { get; }

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="CheckpointException">The file is missing, truncated or malformed, or has a type that is not read.</exception>
    public static GgufFile Open(string path) => Open(MappedFile.Open(path));

    /// <summary>Takes over bytes that are already there.</summary>
    internal static GgufFile Open(TensorMemory map)
    {
        try
        {
            return new Reader(map).Read();
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Writes a file with the same values and no tensor.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="LlavaException">It cannot be written.</exception>
    public void WriteMetadata(string path) => AtomicFile.Write(path, stream =>
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        _map.Span(0, HeaderBytes).CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], 0);
        stream.Write(header);
        stream.Write(_map.Span(HeaderBytes, checked((int)(_metadataEnd - HeaderBytes))));
    });

    /// <inheritdoc/>
    public void Dispose() => _map.Dispose();

    private sealed class Reader(TensorMemory map)
    {
        private long _position;

        public GgufFile Read()
        {
            var path = map.Path;
            if (map.Length < HeaderBytes || !map.Span(0, 4).SequenceEqual("GGUF"u8))
                throw new CheckpointException($"'{path}' does not begin with 'GGUF': it is no GGUF file.{TensorFile.GuessFrom(map.Span(0, (int)Math.Min(64, map.Length)))}", path);
            _position = 4;
            var version = UInt32("the version");
            if (version is not (2 or 3))
                throw new CheckpointException($"'{path}' is of GGUF version {version}; versions 2 and 3 are read{(BinaryPrimitives.ReverseEndianness(version) is 2 or 3 ? " (it was written for a big-endian machine)" : "")}.", path);
            var tensorCount = Count("the number of tensors", 24);
            var valueCount = Count("the number of values", 12);
            var metadata = new Dictionary<string, object>(StringComparer.Ordinal);
            for (long i = 0; i < valueCount; i++)
            {
                var key = String("a value's name");
                if (!metadata.TryAdd(key, Value(key, Type(key), 0)))
                    throw new CheckpointException($"'{path}' has the value '{key}' twice.", path);
            }
            var metadataEnd = _position;
            var alignment = metadata.TryGetValue("general.alignment", out var given) ? given is ulong and > 0 and <= 1 << 20 ? (long)(ulong)given : -1 : DefaultAlignment;
            if (alignment < 1)
                throw new CheckpointException($"'{path}' has the alignment {given}; it must be a number of bytes.", path);
            var entries = new List<(string Name, uint Type, long[] Shape, ulong Offset)>();
            for (long i = 0; i < tensorCount; i++)
                entries.Add(Entry());
            var start = (_position + alignment - 1) / alignment * alignment;
            var tensors = new Dictionary<string, GgufTensor>(StringComparer.Ordinal);
            foreach (var (name, type, shape, offset) in entries)
            {
                if (!tensors.TryAdd(name, Tensor(name, (GgufType)type, shape, start, offset)))
                    throw new CheckpointException($"'{path}' has the tensor '{name}' twice.", path, name);
            }
            return new(map, metadata, tensors, metadataEnd);
        }

        private (string Name, uint Type, long[] Shape, ulong Offset) Entry()
        {
            var name = String("a tensor's name");
            var dimensions = UInt32("the dimensions of a tensor");
            if (dimensions > MaxDimensions)
                throw new CheckpointException($"Tensor '{name}' of '{map.Path}' has {dimensions} dimensions; at most {MaxDimensions} are allowed.", map.Path, name);
            var shape = new long[dimensions];
            for (var i = shape.Length - 1; i >= 0; i--)   // the file lists the fastest one first
            {
                var size = UInt64("a tensor's size");
                shape[i] = size <= long.MaxValue ? (long)size : -1;
            }
            return (name, UInt32("a tensor's type"), shape, UInt64("a tensor's place"));
        }

        private GgufTensor Tensor(string name, GgufType type, long[] shape, long start, ulong offset)
        {
            var path = map.Path;
            if (GgufTypes.Block(type) is not { } block)
                throw new CheckpointException($"Tensor '{name}' of '{path}' is stored as type {(int)type}, which is not read here. Convert the file to one of {string.Join(", ", Enum.GetNames<GgufType>())}.", path, name);
            if (TensorShape.ElementCount(shape) is not { } count || (shape.Length > 0 && (shape[^1] % block.Values != 0 || shape[^1] > int.MaxValue)) || (shape.Length == 0 && block.Values != 1))
                throw new CheckpointException($"Tensor '{name}' of '{path}' has the shape {TensorShape.Describe(shape)}, which blocks of {block.Values} values do not make up.", path, name);
            var bytes = (Int128)(count / block.Values) * block.Bytes;
            if (start + (Int128)offset + bytes > map.Length)
                throw new CheckpointException($"Tensor '{name}' of '{path}' ends at byte {start + (Int128)offset + bytes}, but the file has {map.Length}: it is truncated. Fetch it again.", path, name);
            return new(name, type, shape, map, start + (long)offset);
        }

        private object Value(string key, GgufValueType type, int depth)
        {
            switch (type)
            {
                case GgufValueType.UInt8: return (ulong)Take(1, key)[0];
                case GgufValueType.Int8: return (long)(sbyte)Take(1, key)[0];
                case GgufValueType.UInt16: return (ulong)BinaryPrimitives.ReadUInt16LittleEndian(Take(2, key));
                case GgufValueType.Int16: return (long)BinaryPrimitives.ReadInt16LittleEndian(Take(2, key));
                case GgufValueType.UInt32: return (ulong)UInt32(key);
                case GgufValueType.Int32: return (long)BinaryPrimitives.ReadInt32LittleEndian(Take(4, key));
                case GgufValueType.Float32: return (double)BinaryPrimitives.ReadSingleLittleEndian(Take(4, key));
                case GgufValueType.Bool: return Take(1, key)[0] != 0;
                case GgufValueType.String: return String(key);
                case GgufValueType.UInt64: return UInt64(key);
                case GgufValueType.Int64: return BinaryPrimitives.ReadInt64LittleEndian(Take(8, key));
                case GgufValueType.Float64: return BinaryPrimitives.ReadDoubleLittleEndian(Take(8, key));
                default: return Array(key, depth);
            }
        }

        private object Array(string key, int depth)
        {
            if (depth == MaxArrayDepth)
                throw new CheckpointException($"The value '{key}' of '{map.Path}' is an array of arrays of arrays.", map.Path);
            var type = Type(key);
            var count = Count($"the length of '{key}'", type switch
            {
                GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
                GgufValueType.UInt16 or GgufValueType.Int16 => 2,
                GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
                GgufValueType.Array => 12,
                _ => 8,
            });
            return type switch
            {
                GgufValueType.String => Elements<string>(),
                GgufValueType.Float32 or GgufValueType.Float64 => Elements<double>(),
                GgufValueType.Bool => Elements<bool>(),
                GgufValueType.Int8 or GgufValueType.Int16 or GgufValueType.Int32 or GgufValueType.Int64 => Elements<long>(),
                GgufValueType.Array => Elements<object>(),
                _ => Elements<ulong>(),
            };

            T[] Elements<T>()
            {
                var elements = new T[count];
                foreach (ref var element in elements.AsSpan())
                    element = (T)Value(key, type, depth + 1);
                return elements;
            }
        }

        private GgufValueType Type(string key)
        {
            var type = UInt32($"the type of '{key}'");
            return type <= (uint)GgufValueType.Float64
                ? (GgufValueType)type
                : throw new CheckpointException($"The value '{key}' of '{map.Path}' has the unknown type {type}: the file is damaged, or newer than this reader.", map.Path);
        }

        // a count of things that take so many bytes each cannot be larger than what is left of the file
        private long Count(string what, int leastBytes)
        {
            var count = UInt64(what);
            var left = (ulong)(map.Length - _position) / (ulong)leastBytes;
            return count <= left
                ? (long)count
                : throw new CheckpointException($"'{map.Path}' claims {what} to be {count}, for which it is too short: it is truncated, or damaged.", map.Path);
        }

        private string String(string what)
        {
            var length = Count($"the length of {what}", 1);
            return Encoding.UTF8.GetString(Take(length, what));
        }

        private uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

        private ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

        private ReadOnlySpan<byte> Take(long length, string what)
        {
            if (length > map.Length - _position || length > int.MaxValue)
                throw new CheckpointException($"'{map.Path}' ends within {what}: it is truncated. Fetch it again.", map.Path);
            var span = map.Span(_position, (int)length);
            _position += length;
            return span;
        }
    }
}
