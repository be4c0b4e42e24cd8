namespace LlavaSharp.Kernels;

/// <summary>Where activations come from that are about to be quantised: from memory as they are, or computed on the way, so that they are never written.</summary>
internal abstract unsafe class ActivationSource
{
    /// <summary>The activations of a token.</summary>
    /// <param name="token">Which.</param>
    /// <param name="inputs">How many they are.</param>
    /// <param name="scratch">Room for them.</param>
    /// <returns>Where they lie: in the scratch, or where they came from.</returns>
    public abstract float* Row(int token, int inputs, float* scratch);

    /// <summary>As they lie: [tokens][inputs].</summary>
    internal sealed class Plain : ActivationSource
    {
        public float* X;

        public override float* Row(int token, int inputs, float* scratch) => X + (nint)token * inputs;
    }

    /// <summary>Behind a root-mean-square norm: <see cref="ElementKernels.RmsNorm"/>.</summary>
    internal sealed class Normed : ActivationSource
    {
        public float* X;
        public float* Weight;
        public float Epsilon;

        public override float* Row(int token, int inputs, float* scratch)
        {
            ElementKernels.NormRow(X + (nint)token * inputs, Weight, Epsilon, scratch, inputs);
            return scratch;
        }
    }

    /// <summary>Behind a layer norm: <see cref="ElementKernels.LayerNormRow"/>.</summary>
    internal sealed class LayerNormed : ActivationSource
    {
        public float* X;
        public float* Weight;
        public float* Bias;
        public float Epsilon;

        public override float* Row(int token, int inputs, float* scratch)
        {
            ElementKernels.LayerNormRow(X + (nint)token * inputs, Weight, Bias, Epsilon, scratch, inputs);
            return scratch;
        }
    }

    /// <summary>silu(gate) * up: <see cref="ElementKernels.SiluMultiply"/>.</summary>
    internal sealed class Gated : ActivationSource
    {
        public float* Gate;
        public float* Up;

        public override float* Row(int token, int inputs, float* scratch)
        {
            ElementKernels.GateRow(Gate + (nint)token * inputs, Up + (nint)token * inputs, scratch, inputs);
            return scratch;
        }
    }
}
