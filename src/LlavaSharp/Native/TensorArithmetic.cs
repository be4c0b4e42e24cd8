using static TorchSharp.torch;

namespace LlavaSharp.Native;

/// <summary>Sums and differences of tensors. TorchSharp's own operators pass a factor of one as a <see cref="TorchSharp.Scalar"/> that may be freed during the call (see <see cref="Scalars"/>).</summary>
internal static class TensorArithmetic
{
    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, Scalars.Of(1));

    /// <summary>a := a + b.</summary>
    public static Tensor AddInPlace(this Tensor a, Tensor b) => a.add_(b, Scalars.Of(1));

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, double b) => a.add(Scalars.Of(b), Scalars.Of(1));

    /// <summary>a := a + b.</summary>
    public static Tensor AddInPlace(this Tensor a, double b) => a.add_(Scalars.Of(b), Scalars.Of(1));

    /// <summary>a - b.</summary>
    public static Tensor Minus(this Tensor a, Tensor b) => a.add(b, Scalars.Of(-1));

    /// <summary>The value of a tensor of one element.</summary>
    public static float ToSingle(this Tensor value)
    {
        using var scope = NewDisposeScope();
        return value.detach().to(ScalarType.Float32).cpu().data<float>()[0];
    }
}
