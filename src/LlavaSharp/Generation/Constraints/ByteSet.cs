namespace LlavaSharp.Generation.Constraints;

/// <summary>A set of byte values.</summary>
internal readonly record struct ByteSet(UInt128 Low, UInt128 High)
{
    public static ByteSet All { get; } = new(UInt128.MaxValue, UInt128.MaxValue);

    public bool IsEmpty => Low == 0 && High == 0;

    public static ByteSet Of(byte value) => Range(value, value);

    /// <summary>All from the first to the last value.</summary>
    public static ByteSet Range(byte first, byte last)
    {
        UInt128 low = 0, high = 0;
        for (int value = first; value <= last; value++)
            if (value < 128)
                low |= UInt128.One << value;
            else
                high |= UInt128.One << (value - 128);
        return new(low, high);
    }

    public static ByteSet operator |(ByteSet left, ByteSet right) => new(left.Low | right.Low, left.High | right.High);

    public static ByteSet operator ~(ByteSet set) => new(~set.Low, ~set.High);

    public static ByteSet operator &(ByteSet left, ByteSet right) => new(left.Low & right.Low, left.High & right.High);

    public bool Contains(byte value) => value < 128 ? (Low >> value & 1) != 0 : (High >> (value - 128) & 1) != 0;
}
