namespace LlavaSharp.Kernels;

/// <summary>A packed matrix that lies somewhere in memory (a mapped file, as a rule), and products with it.</summary>
internal sealed unsafe class PackedMatrix
{
    // activations of a tile stay in the second-level cache while the blocks of a part pass by
    private const int TileTokens = 128;
    private const int PartsPerThread = 8;
    [ThreadStatic]
    private static Product? _product;
    private readonly byte* _data;
    private readonly MatrixKernels _kernels;

    /// <param name="layout">How it lies.</param>
    /// <param name="data">The first byte; must stay valid.</param>
    /// <param name="kernels">What computes; null: what suits this processor.</param>
    public PackedMatrix(PackedLayout layout, byte* data, MatrixKernels? kernels = null)
    {
        Layout = layout;
        _data = data;
        _kernels = kernels ?? MatrixKernels.Current;
    }

    /// <summary>How it lies.</summary>
    public PackedLayout Layout { get; }

    /// <summary>x W^T for all tokens of <paramref name="x"/>.</summary>
    /// <param name="x">Quantised activations of <see cref="PackedLayout.Inputs"/> each.</param>
    /// <param name="y">[tokens][stride], of which the first <see cref="PackedLayout.Rows"/> of each are written.</param>
    /// <param name="stride">From one token's results to the next one's; at least the rows.</param>
    /// <param name="threads">What computes.</param>
    /// <exception cref="ArgumentException">The activations are of another length.</exception>
    public void Multiply(QuantizedActivations x, float* y, int stride, KernelThreads threads)
    {
        if (x.Groups != Layout.Groups)
            throw new ArgumentException($"The activations have {x.Groups} groups of {PackedLayout.GroupInputs}; the matrix has {Layout.Groups}.", nameof(x));
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, Layout.Rows);
        if (Layout.Bits == WeightBits.Eight && x.Tokens >= _kernels.WideActivationsFrom)
            x.Widen(threads);
        var parts = Math.Min(Layout.Blocks, threads.Count == 1 ? 1 : threads.Count * PartsPerThread);
        var product = _product ??= new();
        product.Results = y;
        (product.Matrix, product.Activations, product.Stride, product.Parts) = (this, x, stride, parts);
        threads.Run(product, parts);
        (product.Matrix, product.Activations) = (null, null);
    }

    private void MultiplyBlocks(QuantizedActivations x, float* y, int stride, int first, int end)
    {
        var results = stackalloc float[Math.Min(x.Tokens, TileTokens) * PackedLayout.BlockRows];
        for (var tile = 0; tile < x.Tokens; tile += TileTokens)
        {
            var tileEnd = Math.Min(x.Tokens, tile + TileTokens);
            for (var block = first; block < end; block++)
            {
                var data = _data + block * Layout.BlockBytes;
                var row = block * PackedLayout.BlockRows;
                var rows = Math.Min(PackedLayout.BlockRows, Layout.Rows - row);
                _kernels.MultiplyTile(Layout, data, x, tile, tileEnd - tile, results);
                for (var token = tile; token < tileEnd; token++)
                    new ReadOnlySpan<float>(results + (token - tile) * PackedLayout.BlockRows, rows).CopyTo(new Span<float>(y + (nint)token * stride + row, rows));
            }
        }
    }

    private sealed class Product : KernelWork
    {
        public PackedMatrix? Matrix;
        public QuantizedActivations? Activations;
        public float* Results;
        public int Stride;
        public int Parts;

        public override void RunPart(int part)
        {
            long blocks = Matrix!.Layout.Blocks;
            Matrix.MultiplyBlocks(Activations!, Results, Stride, (int)(blocks * part / Parts), (int)(blocks * (part + 1) / Parts));
        }
    }
}
