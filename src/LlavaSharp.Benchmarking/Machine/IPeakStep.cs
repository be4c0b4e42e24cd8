namespace LlavaSharp.Benchmarking.Machine;

/// <summary>One instruction set's way of multiplying and adding, for <see cref="PeakWork{T, TStep}"/>.</summary>
/// <typeparam name="T">A vector register.</typeparam>
internal interface IPeakStep<T>
    where T : struct
{
    /// <summary>What a chain begins with, and the other operand of all steps.</summary>
    static abstract T Start { get; }

    /// <summary>Multiplications and additions of one step.</summary>
    static abstract int Operations { get; }

    /// <summary>The next value of a chain.</summary>
    static abstract T Next(T chain, T operand);

    /// <summary>Adds up a chain, as narrow sums must be after <see cref="PeakWork{T, TStep}.Steps"/> steps.</summary>
    static abstract T Fold(T total, T chain);
}
