using TorchSharp;

namespace LlavaSharp.Native;

/// <summary>
/// Numbers as arguments of tensor operations. TorchSharp hands the native memory of a <see cref="Scalar"/> to libtorch without keeping the object
/// alive during the call, so that a collection in that moment frees it under libtorch's hands. Scalars made here live until their thread has made many more.
/// </summary>
internal static class Scalars
{
    private const int Kept = 256;

    [ThreadStatic]
    private static Scalar[]? _kept;

    [ThreadStatic]
    private static int _next;

    /// <summary>A floating-point number.</summary>
    public static Scalar Of(double value) => Keep(value.ToScalar());

    /// <summary>A whole number.</summary>
    public static Scalar Of(long value) => Keep(value.ToScalar());

    private static Scalar Keep(Scalar scalar)
    {
        var kept = _kept ??= new Scalar[Kept];
        kept[_next] = scalar;
        _next = (_next + 1) % Kept;
        return scalar;
    }
}
