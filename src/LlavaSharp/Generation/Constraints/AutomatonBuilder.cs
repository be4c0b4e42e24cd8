using System.Runtime.CompilerServices;
using System.Text;

namespace LlavaSharp.Generation.Constraints;

/// <summary>Builds the instructions of a push-down automaton over bytes, from the end to the beginning: each instruction is given what follows it.</summary>
/// <param name="mostInstructions">How many there may be.</param>
internal sealed class AutomatonBuilder(int mostInstructions)
{
    /// <summary>The end of a rule.</summary>
    public const int Return = 0;

    /// <summary>A place from which nothing leads to an end.</summary>
    public const int Never = 1;

    private readonly List<Instruction> _instructions = [new(InstructionKind.Return), new(InstructionKind.Split, Targets: [])];
    private readonly Dictionary<(ByteSet, int), int> _bytes = [];
    private readonly List<int> _entries = [];

    public IReadOnlyList<Instruction> Instructions => _instructions;

    /// <summary>Where each rule begins.</summary>
    public IReadOnlyList<int> Entries => _entries;

    /// <summary>A rule whose beginning is said later by <see cref="SetRule"/>.</summary>
    public int AddRule()
    {
        _entries.Add(Never);
        return _entries.Count - 1;
    }

    public void SetRule(int rule, int entry) => _entries[rule] = entry;

    /// <summary>One byte of a set.</summary>
    public int Byte(ByteSet set, int next)
    {
        if (set.IsEmpty || next == Never)
            return Never;
        if (!_bytes.TryGetValue((set, next), out var place))
            _bytes.Add((set, next), place = Add(new(InstructionKind.Byte, set, next)));
        return place;
    }

    /// <summary>One byte.</summary>
    public int Byte(char value, int next) => Byte(ByteSet.Of((byte)value), next);

    /// <summary>The bracket that opens a container, for which there must be room within the allowed nesting.</summary>
    public int Open(char bracket, int next) => next == Never ? Never : Add(new(InstructionKind.Byte, ByteSet.Of((byte)bracket), next, Nests: true));

    /// <summary>These bytes.</summary>
    public int Literal(ReadOnlySpan<byte> bytes, int next)
    {
        for (var i = bytes.Length - 1; i >= 0; i--)
            next = Byte(ByteSet.Of(bytes[i]), next);
        return next;
    }

    /// <summary>The UTF-8 form of a text.</summary>
    public int Literal(string text, int next) => Literal(Encoding.UTF8.GetBytes(text), next);

    /// <summary>One of several places.</summary>
    public int Split(params IEnumerable<int> targets)
    {
        int[] different = [.. targets.Where(target => target != Never).Distinct()];
        return different.Length switch
        {
            0 => Never,
            1 => different[0],
            _ => Add(new(InstructionKind.Split, Targets: different)),
        };
    }

    /// <summary>A place that is said later by <see cref="SetPlace"/>, for loops.</summary>
    public int AddPlace() => Add(new(InstructionKind.Split, Targets: []));

    public void SetPlace(int place, int target) => _instructions[place] = new(InstructionKind.Split, Targets: [target]);

    /// <summary>A rule, and what follows it.</summary>
    public int Call(int rule, int next, bool nests = false) => next == Never ? Never : Add(new(InstructionKind.Call, Next: next, Rule: rule, Nests: nests));

    /// <summary>One of several texts; what they begin with in common is read together.</summary>
    public int AnyOf(IEnumerable<byte[]> texts, int next)
    {
        byte[][] sorted = [.. texts.OrderBy(text => text, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)))];
        return AnyOf(sorted, 0, next);
    }

    /// <summary>Stops what goes deep before the thread's stack is full.</summary>
    /// <exception cref="JsonSchemaException">It is nearly full.</exception>
    public static void RequireStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new JsonSchemaException("#", "values or names begin alike too often, one inside the other. Use fewer of them.");
    }

    private int AnyOf(ReadOnlySpan<byte[]> texts, int depth, int next)
    {
        RequireStack();
        var targets = new List<int>();
        for (var i = 0; i < texts.Length;)
        {
            if (texts[i].Length == depth)
            {
                targets.Add(next);
                i++;
                continue;
            }
            var end = i + 1;
            while (end < texts.Length && texts[end][depth] == texts[i][depth])
                end++;
            // what only one text has left needs no further looking
            targets.Add(end == i + 1 ? Literal(texts[i].AsSpan(depth), next) : CommonThen(texts[i..end], depth, next));
            i = end;
        }
        return Split(targets);
    }

    private int CommonThen(ReadOnlySpan<byte[]> texts, int depth, int next)
    {
        var common = texts[0].AsSpan(depth).CommonPrefixLength(texts[^1].AsSpan(depth));
        return Literal(texts[0].AsSpan(depth, common), AnyOf(texts, depth + common, next));
    }

    private int Add(Instruction instruction)
    {
        if (_instructions.Count >= mostInstructions)
            throw new JsonSchemaException("#", $"the schema needs an automaton of more than {mostInstructions} instructions. Make it smaller: fewer values, and smaller numbers of items and characters.");
        _instructions.Add(instruction);
        return _instructions.Count - 1;
    }
}
