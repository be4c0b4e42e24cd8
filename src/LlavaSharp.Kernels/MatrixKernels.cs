using System.Runtime.Intrinsics.Arm;

namespace LlavaSharp.Kernels;

/// <summary>Products of packed matrices with quantised activations, for one family of processors.</summary>
/// <remarks>
/// All variants give the same bits: sums within a group are of integers, and the groups are added in order, each with one fused multiplication and
/// addition. So an answer depends neither on the processor nor on how many tokens are computed at once.
/// </remarks>
internal abstract unsafe class MatrixKernels
{
    /// <summary>Tokens that <see cref="MultiplyFour"/> takes.</summary>
    public const int FourTokens = 4;

    /// <summary>The variable that names the variant to use.</summary>
    public const string Variable = "LLAVASHARP_KERNELS";

    /// <summary>The variants that this processor can run, the best one first.</summary>
    public static IReadOnlyList<MatrixKernels> Available { get; } = FindAvailable();

    /// <summary>The variant in use: the best one, or the one that <see cref="Variable"/> names.</summary>
    /// <exception cref="NotSupportedException">The named variant does not exist, or not on this processor.</exception>
    public static MatrixKernels Current => _current.Value;

    private static readonly Lazy<MatrixKernels> _current = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>As <see cref="Variable"/> spells it.</summary>
    public abstract string Name { get; }

    /// <summary>A block of 16 rows times some tokens.</summary>
    /// <param name="layout">How the matrix lies.</param>
    /// <param name="block">The block's first byte.</param>
    /// <param name="x">The activations, quantised for weights of these bits.</param>
    /// <param name="token">The first of the tokens.</param>
    /// <param name="count">How many.</param>
    /// <param name="results">[count][16].</param>
    public virtual void MultiplyTile(in PackedLayout layout, byte* block, QuantizedActivations x, int token, int count, float* results)
    {
        var done = 0;
        for (; done + FourTokens <= count; done += FourTokens)
            MultiplyFour(layout, block, x, token + done, results + done * PackedLayout.BlockRows);
        for (; done < count; done++)
            MultiplyOne(layout, block, x, token + done, results + done * PackedLayout.BlockRows);
    }

    /// <summary>A block of 16 rows times one token.</summary>
    /// <param name="layout">How the matrix lies.</param>
    /// <param name="block">The block's first byte.</param>
    /// <param name="x">The activations, quantised for weights of these bits.</param>
    /// <param name="token">Which of them.</param>
    /// <param name="results">[16].</param>
    public void MultiplyOne(in PackedLayout layout, byte* block, QuantizedActivations x, int token, float* results)
    {
        var operands = Operands(layout, block, x, token, results);
        if (layout.Bits == WeightBits.Four)
            Int4One(operands);
        else
            Int8One(operands);
    }

    /// <summary>A block of 16 rows times four tokens, whose weights are unpacked once for all.</summary>
    /// <param name="layout">How the matrix lies.</param>
    /// <param name="block">The block's first byte.</param>
    /// <param name="x">The activations, quantised for weights of these bits.</param>
    /// <param name="token">The first of the four tokens.</param>
    /// <param name="results">[4][16].</param>
    public void MultiplyFour(in PackedLayout layout, byte* block, QuantizedActivations x, int token, float* results)
    {
        var operands = Operands(layout, block, x, token, results);
        if (layout.Bits == WeightBits.Four)
            Int4Four(operands);
        else
            Int8Four(operands);
    }

    /// <summary>4-bit weights times one token.</summary>
    protected abstract void Int4One(in BlockOperands operands);

    /// <summary>4-bit weights times four tokens.</summary>
    protected abstract void Int4Four(in BlockOperands operands);

    /// <summary>8-bit weights times one token.</summary>
    protected abstract void Int8One(in BlockOperands operands);

    /// <summary>8-bit weights times four tokens.</summary>
    protected abstract void Int8Four(in BlockOperands operands);

    /// <summary>The variant of that name; the best one when there is none.</summary>
    /// <exception cref="NotSupportedException">The named variant does not exist, or not on this processor.</exception>
    public static MatrixKernels Choose(string? name) =>
        string.IsNullOrEmpty(name) ? Available[0]
        : Available.FirstOrDefault(kernels => kernels.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new NotSupportedException($"{Variable} is '{name}'; this processor runs {string.Join(", ", Available.Select(kernels => kernels.Name))}.");

    private static BlockOperands Operands(in PackedLayout layout, byte* block, QuantizedActivations x, int token, float* results)
    {
        var first = (nint)token * layout.Groups;
        return new()
        {
            Scales = block,
            Weights = block + layout.ValuesOffset,
            Groups = layout.Groups,
            Exponent = layout.Exponent,
            X = x.Values + first * PackedLayout.GroupInputs,
            XWide = x.Wide + first * PackedLayout.GroupInputs,
            XScales = x.Scales + first,
            XOffsets = x.Offsets + first,
            Results = results,
        };
    }

    private static List<MatrixKernels> FindAvailable()
    {
        var found = new List<MatrixKernels>();
        if (Avx512Kernels.IsSupported)
            found.Add(new Avx512Kernels());
        if (Avx2Kernels.IsSupported)
            found.Add(new Avx2Kernels());
        if (Dp.IsSupported)
            found.Add(new NeonKernels());
        found.Add(new ScalarKernels());
        return found;
    }
}
