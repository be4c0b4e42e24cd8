using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LlavaSharp.Kernels;

/// <summary>
/// The activations of some tokens in groups of 32 inputs with one scale each. With a scale a token instead, the few large activations of
/// language models would leave the others no bits. 4-bit weights take them in 8 bits; 8-bit weights take them in 16, since rounding them to 8 bits
/// costs a language model more than rounding the weights.
/// </summary>
/// <remarks>Its memory grows and is used again; not safe for concurrent use.</remarks>
internal sealed unsafe class QuantizedActivations : IDisposable
{
    private const float Largest = 127;
    private const float LargestWide = 32767;   // with weights of up to 127 the sum over a group stays below 2^27

    /// <summary>Fewer tokens are multiplied by fours and ones.</summary>
    public const int FewestForEights = 5;

    private readonly ActivationSource.Plain _plain = new();
    private Job? _job;
    private nuint _capacity;
    private void* _memory;

    /// <summary>Tokens held.</summary>
    public int Tokens { get; private set; }

    /// <summary>Groups a token.</summary>
    public int Groups { get; private set; }

    /// <summary>[tokens][groups * 32] values of 8 bits, for <see cref="WeightBits.Four"/>.</summary>
    public sbyte* Values { get; private set; }

    /// <summary>[tokens][groups] scales; not a number where an activation of the group is not finite.</summary>
    public float* Scales { get; private set; }

    /// <summary>
    /// [tokens][groups] pairs of 16-bit numbers: -8 times the sum of the first two, and of the last two inputs of all quads. A sum of products with
    /// nibbles that starts from them is the sum with the values that the nibbles stand for.
    /// </summary>
    public int* Offsets { get; private set; }

    /// <summary>[tokens][groups * 32] values of 16 bits, for <see cref="WeightBits.Eight"/>, each input at its <see cref="PlaceInWide"/>.</summary>
    public short* Wide => (short*)Values;

    /// <summary>Whether tokens stand in eights beside: for 4-bit weights, from <see cref="FewestForEights"/> tokens on.</summary>
    public bool HasEights => Weights == WeightBits.Four && Tokens >= FewestForEights;

    /// <summary>The same values once more for kernels that take eight tokens at once: [tokens / 8][groups][8][32], the last eight filled up with anything.</summary>
    public sbyte* Eights { get; private set; }

    /// <summary>[tokens / 8][groups][8] scales; 0 where the last eight are filled up.</summary>
    public float* EightScales { get; private set; }

    /// <summary>[tokens / 8][groups][8]: as <see cref="Offsets"/>.</summary>
    public int* EightOffsets { get; private set; }

    /// <summary>Of which bits the weights are that these can be multiplied with.</summary>
    public WeightBits Weights { get; private set; }

    /// <summary>
    /// Where an input of a group stands among <see cref="Wide"/>: of each quad the inputs 0, 2, 1, 3, since shifts take bytes apart by turns.
    /// </summary>
    public static int PlaceInWide(int input) => (input & ~3) + ((input & 1) << 1) + ((input & 2) >> 1);

    /// <summary>Makes room.</summary>
    /// <param name="tokens">Tokens to come.</param>
    /// <param name="inputs">Activations a token.</param>
    /// <param name="weights">Of which bits the weights are.</param>
    public void Resize(int tokens, int inputs, WeightBits weights)
    {
        var groups = PackedLayout.CountGroups(inputs);
        var count = (nuint)tokens * (nuint)groups;
        var width = (nuint)(weights == WeightBits.Eight ? sizeof(short) : sizeof(sbyte));
        var eights = weights == WeightBits.Four && tokens >= FewestForEights ? (nuint)((tokens + 7) / 8 * 8) * (nuint)groups : 0;
        var needed = (count + eights) * (width * PackedLayout.GroupInputs + sizeof(float) + sizeof(int));
        if (needed > _capacity)
        {
            NativeMemory.AlignedFree(_memory);
            _memory = null;
            _capacity = 0;
            _memory = NativeMemory.AlignedAlloc(needed, 64);
            _capacity = needed;
        }
        (Tokens, Groups, Weights) = (tokens, groups, weights);
        Values = (sbyte*)_memory;
        Eights = Values + width * count * PackedLayout.GroupInputs;
        Scales = (float*)(Eights + width * eights * PackedLayout.GroupInputs);
        EightScales = Scales + count;
        Offsets = (int*)(EightScales + eights);
        EightOffsets = Offsets + count;
        if (eights > count)
            new Span<float>(EightScales + (nint)(tokens / 8) * groups * 8, groups * 8).Clear();
    }

    /// <summary>Makes room and quantises all tokens.</summary>
    /// <param name="x">[tokens][inputs].</param>
    /// <param name="tokens">How many.</param>
    /// <param name="inputs">Activations a token.</param>
    /// <param name="threads">What computes when there is enough to do.</param>
    /// <param name="weights">Of which bits the weights are.</param>
    public void Quantize(float* x, int tokens, int inputs, KernelThreads threads, WeightBits weights)
    {
        _plain.X = x;
        Quantize(_plain, tokens, inputs, threads, weights);
    }

    /// <summary>Makes room and quantises all tokens of a source.</summary>
    /// <param name="source">What gives them.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="inputs">Activations a token.</param>
    /// <param name="threads">What computes when there is enough to do.</param>
    /// <param name="weights">Of which bits the weights are.</param>
    public void Quantize(ActivationSource source, int tokens, int inputs, KernelThreads threads, WeightBits weights)
    {
        Resize(tokens, inputs, weights);
        var job = _job ??= new(this);
        (job.Source, job.Inputs) = (source, inputs);
        job.Parts = (long)tokens * inputs < KernelThreads.WorthSharing ? 1 : Math.Min(tokens, threads.Count * 4);
        threads.Run(job, job.Parts);
    }

    /// <summary>Quantises one token.</summary>
    /// <param name="token">Its index.</param>
    /// <param name="x">Its activations.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Quantize(int token, ReadOnlySpan<float> x)
    {
        Span<float> rest = stackalloc float[PackedLayout.GroupInputs];
        for (var group = 0; group < Groups; group++)
        {
            var start = group * PackedLayout.GroupInputs;
            if (x.Length - start >= PackedLayout.GroupInputs)
            {
                QuantizeGroup(token, group, x.Slice(start, PackedLayout.GroupInputs));
                continue;
            }
            rest.Clear();
            x[start..].CopyTo(rest);
            QuantizeGroup(token, group, rest);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        (_capacity, Tokens) = (0, 0);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what nobody disposed.</summary>
    ~QuantizedActivations() => NativeMemory.AlignedFree(_memory);

    // the same operations in the same order on every processor, so that results do not depend on it
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void QuantizeGroup(int token, int group, ReadOnlySpan<float> x)
    {
        var index = token * Groups + group;
        var eight = ((nint)(token >> 3) * Groups + group) * 8 + (token & 7);   // where it stands in eights
        var a = Vector256.Create(x);
        var b = Vector256.Create(x[8..]);
        var c = Vector256.Create(x[16..]);
        var d = Vector256.Create(x[24..]);
        var most = Vector256.Max(Vector256.Max(Vector256.Abs(a), Vector256.Abs(b)), Vector256.Max(Vector256.Abs(c), Vector256.Abs(d)));
        var half = Vector128.Max(most.GetLower(), most.GetUpper());
        var largest = Math.Max(Math.Max(half[0], half[1]), Math.Max(half[2], half[3]));   // NaN when one is
        var isWide = Weights == WeightBits.Eight;
        var limit = isWide ? LargestWide : Largest;
        var width = (isWide ? sizeof(short) : sizeof(sbyte)) * PackedLayout.GroupInputs;   // bytes
        var inverse = limit / largest;
        if (!float.IsFinite(largest) || !float.IsFinite(inverse))
        {
            // an inverse that is not finite belongs to zeros, or to numbers so near to zero that they count as such
            new Span<sbyte>(Values + (nint)index * width, width).Clear();
            Offsets[index] = 0;
            Scales[index] = float.IsFinite(largest) ? 0 : float.NaN;
            if (HasEights)
            {
                new Span<sbyte>(Eights + eight * PackedLayout.GroupInputs, PackedLayout.GroupInputs).Clear();
                EightOffsets[eight] = 0;
                EightScales[eight] = Scales[index];
            }
            return;
        }
        Scales[index] = largest / limit;
        var low = Vector256.Narrow(Round(a), Round(b));     // 16 of 16 bits
        var high = Vector256.Narrow(Round(c), Round(d));
        if (isWide)
        {
            var places = Vector256.Create(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
            Vector256.Shuffle(low, places).Store(Wide + (nint)index * PackedLayout.GroupInputs);
            Vector256.Shuffle(high, places).Store(Wide + (nint)index * PackedLayout.GroupInputs + Vector256<short>.Count);
            return;
        }
        var bytes = Vector256.Narrow(low, high);            // 32 of 8 bits
        bytes.Store(Values + (nint)index * PackedLayout.GroupInputs);
        var sum = low + high;                               // lanes keep their place in the quad: 16 is a multiple of 4
        var folded = sum.GetLower() + sum.GetUpper();       // 8 lanes
        var first = folded[0] + folded[1] + folded[4] + folded[5];
        var second = folded[2] + folded[3] + folded[6] + folded[7];
        Offsets[index] = (ushort)(short)(-8 * first) | (-8 * second << 16);
        if (!HasEights)
            return;
        bytes.Store(Eights + eight * PackedLayout.GroupInputs);
        EightOffsets[eight] = Offsets[index];
        EightScales[eight] = Scales[index];

        Vector256<int> Round(Vector256<float> values) => Vector256.ConvertToInt32(Vector256.Round(values * inverse));
    }

    private sealed class Job(QuantizedActivations owner) : KernelWork
    {
        public ActivationSource Source = null!;
        public int Inputs;
        public int Parts;

        public override void RunPart(int part)
        {
            var scratch = ArrayPool<float>.Shared.Rent(Inputs);
            var end = (int)((long)owner.Tokens * (part + 1) / Parts);
            fixed (float* room = scratch)
            {
                for (var token = (int)((long)owner.Tokens * part / Parts); token < end; token++)
                    owner.Quantize(token, new ReadOnlySpan<float>(Source.Row(token, Inputs, room), Inputs));
            }
            ArrayPool<float>.Shared.Return(scratch);
        }
    }
}
