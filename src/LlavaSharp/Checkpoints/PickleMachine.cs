using System.Buffers.Binary;
using System.Text;

namespace LlavaSharp.Checkpoints;

/// <summary>
/// The part of the pickle machine that a dictionary of tensors needs. It builds plain records; it has no way to look up or call anything:
/// every global is compared with a fixed list and refused by name when it is not on it.
/// </summary>
internal ref struct PickleMachine
{
    private const int MaxOperations = 2_000_000; // far beyond any real file (about 30 a tensor); bounds what garbage may allocate
    private const int MaxStack = 500_000;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly string _file;
    private readonly List<object?> _stack;
    private readonly List<int> _marks;
    private readonly Dictionary<uint, object?> _memo;
    private int _position;

    private PickleMachine(ReadOnlySpan<byte> bytes, string file)
    {
        _bytes = bytes;
        (_file, _stack, _marks, _memo) = (file, [], [], []);
    }

    /// <summary>Runs the pickle and returns the value it builds.</summary>
    /// <exception cref="CheckpointException">The pickle is malformed, or asks for anything but tensors.</exception>
    public static object? Load(ReadOnlySpan<byte> bytes, string file) => new PickleMachine(bytes, file).Run();

    private object? Run()
    {
        for (var operations = 0; operations < MaxOperations; operations++)
        {
            var code = Byte();
            if (code == '.')
                return Pop();
            Execute(code);
            if (_stack.Count > MaxStack || _marks.Count > MaxStack || _memo.Count > MaxStack)
                throw Fail("its pickle needs more room than any checkpoint does");
        }
        throw Fail("its pickle is longer than any checkpoint's");
    }

    private void Execute(byte code)
    {
        switch (code)
        {
            case 0x80: // PROTO
                var protocol = Byte();
                if (protocol is < 2 or > 5)
                    throw Fail($"its pickle has protocol {protocol}; 2 to 5 are read");
                break;
            case 0x95: // FRAME
                Take(8);
                break;
            case (byte)'(':
                _marks.Add(_stack.Count);
                break;
            case (byte)'0': // POP
                Pop();
                break;
            case (byte)'1': // POP_MARK
                PopToMark();
                break;
            case (byte)'2': // DUP
                _stack.Add(Peek());
                break;
            case (byte)'N':
                _stack.Add(null);
                break;
            case 0x88:
                _stack.Add(true);
                break;
            case 0x89:
                _stack.Add(false);
                break;
            case (byte)'J': // BININT
                _stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case (byte)'K': // BININT1
                _stack.Add((long)Byte());
                break;
            case (byte)'M': // BININT2
                _stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case 0x8a: // LONG1
                _stack.Add(ReadLong());
                break;
            case (byte)'G': // BINFLOAT
                _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            case (byte)'X': // BINUNICODE
                _stack.Add(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case 0x8c: // SHORT_BINUNICODE
                _stack.Add(Text(Byte()));
                break;
            case (byte)'U': // SHORT_BINSTRING, written by Python 2
                _stack.Add(Text(Byte()));
                break;
            case (byte)'T': // BINSTRING
                _stack.Add(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case (byte)'c': // GLOBAL
                _stack.Add(Global(Line(), Line()));
                break;
            case 0x93: // STACK_GLOBAL
                var name = Pop() as string;
                _stack.Add(Global(Pop() as string ?? throw Fail("a global has no name"), name ?? throw Fail("a global has no name")));
                break;
            case (byte)'Q': // BINPERSID
                _stack.Add(Storage(Pop()));
                break;
            case (byte)'R': // REDUCE
                Reduce();
                break;
            case (byte)'b': // BUILD: state_dict() leaves its versions in an attribute of the dictionary
                Pop();
                if (Peek() is not PickleDictionary)
                    throw Fail("its pickle sets the state of something that is no dictionary");
                break;
            default:
                ExecuteContainer(code);
                break;
        }
    }

    private void ExecuteContainer(byte code)
    {
        switch (code)
        {
            case (byte)')':
                _stack.Add(Array.Empty<object?>());
                break;
            case 0x85 or 0x86 or 0x87: // TUPLE1, TUPLE2, TUPLE3
                _stack.Add(PopLast(code - 0x84));
                break;
            case (byte)'t': // TUPLE
                _stack.Add(PopToMark());
                break;
            case (byte)']':
                _stack.Add(new PickleList());
                break;
            case (byte)'l': // LIST
                var items = PopToMark();
                var list = new PickleList();
                list.AddRange(items);
                _stack.Add(list);
                break;
            case (byte)'a': // APPEND
                var item = Pop();
                List().Add(item);
                break;
            case (byte)'e': // APPENDS
                var more = PopToMark();
                List().AddRange(more);
                break;
            case (byte)'}':
                _stack.Add(new PickleDictionary());
                break;
            case (byte)'d': // DICT
                var content = PopToMark();
                _stack.Add(new PickleDictionary());
                SetItems(content);
                break;
            case (byte)'s': // SETITEM
                SetItems(PopLast(2));
                break;
            case (byte)'u': // SETITEMS
                SetItems(PopToMark());
                break;
            case (byte)'q': // BINPUT
                _memo[Byte()] = Peek();
                break;
            case (byte)'r': // LONG_BINPUT
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Peek();
                break;
            case 0x94: // MEMOIZE
                _memo[(uint)_memo.Count] = Peek();
                break;
            case (byte)'h': // BINGET
                _stack.Add(Remembered(Byte()));
                break;
            case (byte)'j': // LONG_BINGET
                _stack.Add(Remembered(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            default:
                throw Fail($"its pickle uses the operation 0x{code:x2} at byte {_position - 1}, which no dictionary of tensors needs. The file is malformed, or not safe to open");
        }
    }

    private readonly PickleGlobal Global(string module, string name)
    {
        var known = (module, name) switch
        {
            ("collections", "OrderedDict") => true,
            ("torch._utils", "_rebuild_tensor_v2" or "_rebuild_tensor_v3" or "_rebuild_parameter") => true,
            ("torch.storage", "UntypedStorage" or "TypedStorage") => true,
            ("torch", _) => StoredDataTypes.FromTorchStorage(name) is not null || StoredDataTypes.FromTorchName(name) is not null || name == "UntypedStorage",
            _ => false,
        };
        return known ? new(module, name) : throw Fail($"its pickle asks for '{module}.{name}', which no dictionary of tensors needs. Nothing was run. Do not open this file with other programs unless you trust it; take the weights as safetensors instead");
    }

    private readonly PickleStorage Storage(object? id)
    {
        if (id is not object?[] { Length: >= 5 } parts || parts[0] is not "storage" || parts[1] is not PickleGlobal type || parts[2] is not string key || parts[4] is not long count || count < 0)
            throw Fail("a storage's description is malformed");
        if (parts.Length > 5 && parts[5] is not null)
            throw Fail("a storage is a view of another, as only legacy files have it");
        var dataType = StoredDataTypes.FromTorchStorage(type.Name);
        if (dataType is null && type.Name is not ("UntypedStorage" or "TypedStorage"))
            throw Fail($"'{type}' is no storage");
        return new(key, dataType, count);
    }

    private void Reduce()
    {
        var arguments = Pop() as object?[];
        var function = Pop() as PickleGlobal;
        _stack.Add((function?.Name, arguments) switch
        {
            ("OrderedDict", { Length: 0 }) => new PickleDictionary(),
            ("_rebuild_parameter", { Length: >= 1 }) when arguments[0] is PickleTensor tensor => tensor,
            ("_rebuild_tensor_v2", { Length: >= 4 }) => Tensor(arguments, null),
            ("_rebuild_tensor_v3", { Length: >= 7 }) => Tensor(arguments, (arguments[6] as PickleGlobal)?.Name),
            _ => throw Fail($"its pickle calls '{function?.ToString() ?? "a value"}' with arguments that no tensor has"),
        });
    }

    private readonly PickleTensor Tensor(object?[] arguments, string? typeName)
    {
        if (arguments[0] is not PickleStorage storage || arguments[1] is not long offset || arguments[2] is not object?[] shape || arguments[3] is not object?[] strides)
            throw Fail("a tensor's description is malformed");
        if (shape.Length != strides.Length || shape.Length > TensorShape.MaxDimensions)
            throw Fail("a tensor's sizes and strides disagree");
        var type = (typeName is null ? storage.DataType : StoredDataTypes.FromTorchName(typeName))
            ?? throw Fail("a tensor's data type is not read here");
        return new(storage, type, offset, Integers(shape), Integers(strides));
    }

    private readonly long[] Integers(object?[] values)
    {
        var result = new long[values.Length];
        for (var i = 0; i < values.Length; i++)
            result[i] = values[i] is long value and >= 0 ? value : throw Fail("a tensor's sizes or strides are not whole numbers from 0 up");
        return result;
    }

    private readonly void SetItems(object?[] content)
    {
        if (content.Length % 2 != 0 || Peek() is not PickleDictionary dictionary)
            throw Fail("its pickle sets items of something that is no dictionary");
        for (var i = 0; i < content.Length; i += 2)
            dictionary.Add(content[i], content[i + 1]);
    }

    private readonly PickleList List() => Peek() as PickleList ?? throw Fail("its pickle appends to something that is no list");

    private readonly object? Remembered(uint key) => _memo.TryGetValue(key, out var value) ? value : throw Fail("its pickle recalls what it never stored");

    private long ReadLong()
    {
        var length = Byte();
        if (length > 8)
            throw Fail("its pickle holds a number beyond 64 bits");
        long value = 0;
        var digits = Take(length);
        for (var i = 0; i < digits.Length; i++)
            value |= (long)digits[i] << (8 * i);
        return length is 0 or 8 || (digits[^1] & 0x80) == 0 ? value : value | (-1L << (8 * length));
    }

    private string Text(uint length)
    {
        if (length > _bytes.Length - _position)
            throw Fail("its pickle is cut off in a text");
        return Encoding.UTF8.GetString(Take((int)length));
    }

    private string Line()
    {
        var length = _bytes[_position..].IndexOf((byte)'\n');
        if (length is < 0 or > 512)
            throw Fail("its pickle is cut off in a name");
        var line = Encoding.UTF8.GetString(Take(length));
        _position++;
        return line;
    }

    private byte Byte() => _position < _bytes.Length ? _bytes[_position++] : throw Fail("its pickle is cut off");

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _bytes.Length - _position)
            throw Fail("its pickle is cut off");
        _position += length;
        return _bytes.Slice(_position - length, length);
    }

    private readonly object? Peek() => _stack.Count > Floor ? _stack[^1] : throw Fail("its pickle takes from an empty stack");

    private readonly object? Pop()
    {
        var value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private readonly object?[] PopLast(int count)
    {
        if (_stack.Count - count < Floor)
            throw Fail("its pickle takes from an empty stack");
        return PopFrom(_stack.Count - count);
    }

    private readonly object?[] PopToMark()
    {
        if (_marks.Count == 0)
            throw Fail("its pickle takes up to a mark that it never set");
        var start = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        return PopFrom(start);
    }

    private readonly object?[] PopFrom(int start)
    {
        var values = _stack.GetRange(start, _stack.Count - start).ToArray();
        _stack.RemoveRange(start, _stack.Count - start);
        return values;
    }

    /// <summary>What lies below the last mark is out of reach until the mark is taken.</summary>
    private readonly int Floor => _marks.Count > 0 ? _marks[^1] : 0;

    private readonly CheckpointException Fail(string what) => new($"'{_file}' cannot be opened: {what}.", _file);

    /// <summary>A list whose room is made with its first item.</summary>
    private sealed class PickleList
    {
        private List<object?>? _items;

        public void Add(object? item) => (_items ??= []).Add(item);

        public void AddRange(object?[] items) => (_items ??= []).AddRange(items);
    }
}
