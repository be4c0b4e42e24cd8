namespace LlavaSharp.Kernels;

/// <summary>A packed matrix that lies somewhere in memory (a mapped file, as a rule), and products with it.</summary>
internal sealed unsafe class PackedMatrix
{
    // activations of a tile stay in the second-level cache while the blocks of a part pass by
    private const int TileTokens = 128;
    private const int PartBytes = 256 * 1024;   // so much of a matrix is a few microseconds of reading: threads end nearly together
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
    /// <param name="x">Activations of <see cref="PackedLayout.Inputs"/> each, quantised for <see cref="PackedLayout.Bits"/>.</param>
    /// <param name="y">[tokens][rows].</param>
    /// <param name="threads">What computes.</param>
    /// <exception cref="ArgumentException">The activations are of another length, or for weights of other bits.</exception>
    public void Multiply(QuantizedActivations x, float* y, KernelThreads threads) => Multiply([this], x, [new ProductTarget(y)], threads);

    /// <summary>The products of several matrices with the same activations, without a pause between them.</summary>
    /// <param name="matrices">The matrices.</param>
    /// <param name="x">Activations of <see cref="PackedLayout.Inputs"/> each, quantised for <see cref="PackedLayout.Bits"/>.</param>
    /// <param name="targets">For each matrix where its product goes.</param>
    /// <param name="threads">What computes.</param>
    /// <exception cref="ArgumentException">The activations are of another length, or for weights of other bits.</exception>
    public static void Multiply(ReadOnlySpan<PackedMatrix> matrices, QuantizedActivations x, ReadOnlySpan<ProductTarget> targets, KernelThreads threads)
    {
        var product = _product ??= new();
        product.Begin(x);
        for (var i = 0; i < matrices.Length; i++)
        {
            var matrix = matrices[i];
            if (x.Groups != matrix.Layout.Groups)
                throw new ArgumentException($"The activations have {x.Groups} groups of {PackedLayout.GroupInputs}; the matrix has {matrix.Layout.Groups}.", nameof(x));
            if (x.Weights != matrix.Layout.Bits)
                throw new ArgumentException($"The activations are quantised for weights of {(int)x.Weights} bits; the matrix has {(int)matrix.Layout.Bits}.", nameof(x));
            product.Add(matrix, targets[i], threads.Count == 1 ? 1 : (int)Math.Min(Math.Max(matrix.Layout.Bytes / PartBytes, threads.Count), matrix.Layout.Blocks));
        }
        threads.Run(product, product.Parts);
        product.Clear();
    }

    private void MultiplyBlocks(QuantizedActivations x, in ProductTarget target, int first, int end)
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
                    target.Store(results + (token - tile) * PackedLayout.BlockRows, token, row, rows, Layout.Rows);
            }
        }
    }

    private sealed class Product : KernelWork
    {
        private readonly List<(PackedMatrix Matrix, ProductTarget Target, int First, int Parts)> _items = [];
        private QuantizedActivations? _activations;

        public int Parts { get; private set; }

        public void Begin(QuantizedActivations x)
        {
            Clear();
            _activations = x;
        }

        public void Add(PackedMatrix matrix, ProductTarget target, int parts)
        {
            _items.Add((matrix, target, Parts, parts));
            Parts += parts;
        }

        public void Clear()
        {
            _items.Clear();
            (_activations, Parts) = (null, 0);
        }

        public override void RunPart(int part)
        {
            var i = _items.Count - 1;
            while (_items[i].First > part)
                i--;
            var (matrix, target, first, parts) = _items[i];
            long blocks = matrix.Layout.Blocks;
            matrix.MultiplyBlocks(_activations!, target, (int)(blocks * (part - first) / parts), (int)(blocks * (part - first + 1) / parts));
        }
    }
}
