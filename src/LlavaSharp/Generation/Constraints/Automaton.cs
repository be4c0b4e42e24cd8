using System.Diagnostics.CodeAnalysis;

namespace LlavaSharp.Generation.Constraints;

/// <summary>
/// A push-down automaton over bytes. It never runs into a dead end: places from which no end can be reached, also none within the allowed nesting, are not entered.
/// States are made when they are first reached and held up to a limit.
/// </summary>
/// <remarks>Not safe for concurrent use, but for <see cref="Start"/>.</remarks>
internal sealed class Automaton
{
    private const int MostPlaces = 4096;     // of one state: each is a way to read the text
    private const int MostStates = 10_000;   // held at once
    private const int MostWork = 4_000_000;  // places entered for one token: a fraction of a second

    private readonly Instruction[] _instructions;
    private readonly int[] _entries;
    private readonly int[] _heights;
    private readonly int _maxDepth;
    private readonly byte[] _classOf = new byte[256];
    private readonly byte[] _representatives;
    private readonly Dictionary<AutomatonState, AutomatonState> _states = new(PlaceComparer.Instance);
    private readonly Dictionary<(int, StackFrame?, bool), StackFrame> _frames = [];
    private readonly HashSet<(int, StackFrame?)> _seen = [];
    private readonly Stack<(int, StackFrame?)> _open = new();
    private long _frameCount;
    private int _work;

    /// <summary>Takes what was built.</summary>
    /// <param name="builder">The instructions.</param>
    /// <param name="rule">The rule that a text must follow.</param>
    /// <param name="maxDepth">How many containers may be open.</param>
    /// <exception cref="JsonSchemaException">No text follows the rule, or none within the depth.</exception>
    public Automaton(AutomatonBuilder builder, int rule, int maxDepth)
    {
        (_instructions, _entries, _maxDepth) = ([.. builder.Instructions], [.. builder.Entries], maxDepth);
        _heights = AutomatonHeights.Of(_instructions, _entries);
        var height = _heights[_entries[rule]];
        if (height == AutomatonHeights.None)
            throw new JsonSchemaException("#", "no value satisfies the schema, or only endless ones. Look for parts that exclude each other, and for required properties that refer to themselves.");
        if (height > _maxDepth)
            throw new JsonSchemaException("#", $"every value of the schema is nested deeper than {maxDepth}. Allow a greater depth, or make the schema flatter.");
        _representatives = Classify();
        _seen.Clear();
        Start = Close([(_entries[rule], null)]);
    }

    /// <summary>Whether some text leads from an instruction to the end of its rule.</summary>
    public bool Ends(int place) => _heights[place] <= _maxDepth;

    /// <summary>Before the first byte.</summary>
    public AutomatonState Start { get; }

    /// <summary>Begins the work for one token. Makes memory free when much is held; states that are in use stay usable.</summary>
    /// <param name="frees">Free it in any case.</param>
    /// <returns>Whether memory was made free.</returns>
    public bool BeginToken(bool frees)
    {
        _work = 0;
        if (!frees && _states.Count < MostStates)
            return false;
        _states.Clear();
        _frames.Clear();
        (Start.Allowed, Dead.Allowed) = (null, null);
        Array.Clear(Start.Next);
        return true;
    }

    /// <summary>The state behind a byte; null where it may not come.</summary>
    /// <exception cref="GenerationException">The text can be read in too many ways.</exception>
    public AutomatonState? Next(AutomatonState state, byte value)
    {
        var kind = _classOf[value];
        var next = state.Next[kind] ??= Step(state, _representatives[kind]);
        return ReferenceEquals(next, Dead) ? null : next;
    }

    private AutomatonState Dead => field ??= new([], false, _representatives.Length);

    private AutomatonState Step(AutomatonState state, byte value)
    {
        var reached = new List<(int, StackFrame?)>();
        foreach (var (place, frame) in state.Places)
            if (_instructions[place].Bytes.Contains(value))
                reached.Add((_instructions[place].Next, frame));
        return reached.Count == 0 ? Dead : Close(reached);
    }

    // follows everything that reads no byte
    private AutomatonState Close(List<(int, StackFrame?)> places)
    {
        _seen.Clear();
        _open.Clear();
        var accepts = false;
        var found = new List<(int Place, StackFrame? Frame)>();
        foreach (var (place, frame) in places)
            Enter(place, frame);
        while (_open.TryPop(out var item))
        {
            var (place, frame) = item;
            var instruction = _instructions[place];
            switch (instruction.Kind)
            {
                case InstructionKind.Byte:
                    found.Add(item);
                    break;
                case InstructionKind.Split:
                    foreach (var target in instruction.Targets!)
                        Enter(target, frame);
                    break;
                case InstructionKind.Call when instruction.Next == AutomatonBuilder.Return && !instruction.Nests:
                    Enter(_entries[instruction.Rule], frame);   // nothing to come back for
                    break;
                case InstructionKind.Call:
                    Enter(_entries[instruction.Rule], Push(instruction, frame));
                    break;
                case InstructionKind.Return when frame is null:
                    accepts = true;
                    break;
                default:
                    Enter(frame!.ReturnsTo, frame.Below);
                    break;
            }
        }
        found.Sort((left, right) => left.Place != right.Place ? left.Place.CompareTo(right.Place) : (left.Frame?.Id ?? 0).CompareTo(right.Frame?.Id ?? 0));
        var state = new AutomatonState([.. found], accepts, _representatives.Length);
        if (_states.TryGetValue(state, out var known))
            return known;
        _states.Add(state, state);
        return state;

        void Enter(int place, StackFrame? frame)
        {
            var height = _heights[place];
            if (height == AutomatonHeights.None || (frame?.Depth ?? 0) + height > _maxDepth || !_seen.Add((place, frame)))
                return;
            if (++_work > MostWork)
                throw new GenerationException("The JSON schema takes too long to be followed. Make alternatives (anyOf) and long optional parts fewer.");
            if (_seen.Count > 4 * MostPlaces)
                throw new GenerationException($"The JSON schema can be read in more than {MostPlaces} ways at once. Make alternatives (anyOf) fewer, or begin them differently.");
            _open.Push((place, frame));
        }
    }

    private StackFrame Push(Instruction call, StackFrame? below)
    {
        if (!_frames.TryGetValue((call.Next, below, call.Nests), out var frame))
            _frames.Add((call.Next, below, call.Nests), frame = new(++_frameCount, call.Next, below, (below?.Depth ?? 0) + (call.Nests ? 1 : 0)));
        return frame;
    }

    // bytes that no instruction tells apart are one class
    private byte[] Classify()
    {
        List<byte> representatives = [0];
        foreach (var set in _instructions.Where(instruction => instruction.Kind == InstructionKind.Byte).Select(instruction => instruction.Bytes).Distinct())
        {
            // class and whether the set has the byte: the new class
            var parts = new Dictionary<(byte, bool), byte>();
            representatives.Clear();
            for (var value = 0; value < 256; value++)
            {
                var key = (_classOf[value], set.Contains((byte)value));
                if (!parts.TryGetValue(key, out var part))
                {
                    parts.Add(key, part = (byte)parts.Count);
                    representatives.Add((byte)value);
                }
                _classOf[value] = part;
            }
            if (representatives.Count == 256)
                break;
        }
        return [.. representatives];
    }

    private sealed class PlaceComparer : IEqualityComparer<AutomatonState>
    {
        public static PlaceComparer Instance { get; } = new();

        public bool Equals(AutomatonState? x, AutomatonState? y) =>
            ReferenceEquals(x, y) || (x is not null && y is not null && x.Accepts == y.Accepts && x.Places.AsSpan().SequenceEqual(y.Places));

        public int GetHashCode([DisallowNull] AutomatonState obj)
        {
            var hash = new HashCode();
            hash.Add(obj.Accepts);
            foreach (var (place, frame) in obj.Places)
            {
                hash.Add(place);
                hash.Add(frame?.Id ?? 0);
            }
            return hash.ToHashCode();
        }
    }
}
