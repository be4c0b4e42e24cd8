using System.Buffers.Binary;

namespace LlavaSharp.Tokenizers;

/// <summary>Walks the fields of one protobuf message without copying it; anything malformed is a <see cref="TokenizerException"/>.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string file)
{
    private ReadOnlySpan<byte> _rest = message;
    private readonly string _file = file;

    /// <summary>The number of the field that <see cref="Next"/> found.</summary>
    public int Field { get; private set; }

    /// <summary>The value of a varint or fixed field.</summary>
    public ulong Number { get; private set; }

    /// <summary>The bytes of a length-delimited field.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public readonly float Float => BitConverter.UInt32BitsToSingle((uint)Number);

    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        var key = Varint();
        Field = (int)Math.Min(key >> 3, int.MaxValue);
        Bytes = default;
        Number = 0;
        switch (key & 7)
        {
            case 0:
                Number = Varint();
                break;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                Bytes = Take(Varint());
                break;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw Malformed("a wire type that is not used");
        }
        return true;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (var i = 0; i < 10; i++)
        {
            if (i >= _rest.Length)
                throw Malformed("a number that ends too early");
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }
        throw Malformed("a number that is too long");
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length)
            throw Malformed($"a field of {count} bytes where {_rest.Length} are left");
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    private readonly TokenizerException Malformed(string what) =>
        new($"'{_file}' is not a SentencePiece model: it holds {what}. Download or copy the file again.", _file);
}
