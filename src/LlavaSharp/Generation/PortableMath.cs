namespace LlavaSharp.Generation;

/// <summary>Functions whose last bit differs between platforms' C libraries, written with additions and multiplications alone.</summary>
internal static class PortableMath
{
    private const double LogOfTwoHigh = 6.93147180369123816490e-01;
    private const double LogOfTwoLow = 1.90821492927058770002e-10;

    /// <summary>e to the power of <paramref name="x"/>, within a few units of the last place; 0 below -708.</summary>
    public static double Exp(double x)
    {
        if (double.IsNaN(x) || x > 709)
            return double.IsNaN(x) ? x : double.PositiveInfinity;
        if (x < -708)
            return 0;
        var power = Math.Floor(x * 1.4426950408889634 + 0.5);
        var rest = x - power * LogOfTwoHigh - power * LogOfTwoLow;
        // The Taylor series on [-0.35, 0.35]: the 14th term is below 2^-53.
        var sum = 1.0;
        for (var term = 13; term > 0; term--)
            sum = 1 + rest * sum / term;
        return sum * BitConverter.Int64BitsToDouble((long)(power + 1023) << 52);
    }
}
