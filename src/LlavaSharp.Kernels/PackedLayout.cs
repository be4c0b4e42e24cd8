namespace LlavaSharp.Kernels;

/// <summary>
/// Where the parts of a packed matrix lie. Rows (outputs) stand in blocks of 16, inputs in groups of 32 with one half-precision scale a row and group.
/// A block is first its scales, [groups][16] halves, filled up to a multiple of 64 bytes, then its values, group after group:
/// <list type="bullet">
/// <item>4 bits: four lines of 64 bytes. Line q holds, for row after row, one byte for each of the inputs 4q..4q+3 in its low nibble and of the inputs
/// 16+4q..16+4q+3 in its high one; a nibble is the value plus 8.</item>
/// <item>8 bits: eight lines of 64 bytes. Line q holds, for row after row, the inputs 4q..4q+3 as signed bytes.</item>
/// </list>
/// So one vector register takes a quad of inputs of 4, 8 or 16 rows, and every instruction set reads the same bytes in order.
/// Rows and inputs beyond the matrix's own are stored as zeros with scale zero.
/// </summary>
/// <param name="Rows">Outputs of the matrix.</param>
/// <param name="Inputs">Inputs of the matrix.</param>
/// <param name="Bits">Bits a value.</param>
/// <param name="Exponent">All scales are to be multiplied by two to this power: it moves them to where halves are normal numbers.</param>
internal readonly record struct PackedLayout(int Rows, int Inputs, WeightBits Bits, int Exponent = 0)
{
    /// <summary>Rows that lie interleaved.</summary>
    public const int BlockRows = 16;

    /// <summary>Inputs that share a scale.</summary>
    public const int GroupInputs = 32;

    /// <summary>Where sign, exponent and fraction of a half stand once it is widened to 32 bits and moved up by 13.</summary>
    public const int HalfMask = unchecked((int)0x8FFFE000);

    private const int Line = 64;
    private const int HalfExponents = 112;   // by so much the exponents of half and single precision differ

    /// <summary>What has to be added to a moved half to make it a single: the difference of the biases, and <see cref="Exponent"/>.</summary>
    public int ScaleBias => (HalfExponents + Exponent) << 23;

    /// <summary>Blocks of rows.</summary>
    public int Blocks => (Rows + BlockRows - 1) / BlockRows;

    /// <summary>Groups of inputs.</summary>
    public int Groups => CountGroups(Inputs);

    /// <summary>Bytes of one group's values in a block.</summary>
    public int GroupBytes => BlockRows * GroupInputs * (int)Bits / 8;

    /// <summary>Where in a block its values begin.</summary>
    public int ValuesOffset => (Groups * BlockRows * sizeof(ushort) + Line - 1) / Line * Line;

    /// <summary>Bytes of a block.</summary>
    public long BlockBytes => ValuesOffset + (long)Groups * GroupBytes;

    /// <summary>Bytes of the matrix.</summary>
    public long Bytes => Blocks * BlockBytes;

    /// <summary>The number of groups that these inputs fill.</summary>
    public static int CountGroups(int inputs) => (inputs + GroupInputs - 1) / GroupInputs;

    /// <summary>
    /// A scale as the kernels read it. Scales are normal numbers, or zero where all values are: numbers below 2^-14 would cost the vector units a hundred
    /// cycles each, so they are not told apart (zero reads as 2^(<see cref="Exponent"/>-15), which zeros do not notice).
    /// </summary>
    public float ToSingle(Half scale) => BitConverter.Int32BitsToSingle(((BitConverter.HalfToInt16Bits(scale) << 13) & HalfMask) + ScaleBias);

    /// <summary>Puts one group of one row into its place.</summary>
    /// <param name="block">The first byte of the row's block.</param>
    /// <param name="row">The row within the block, 0 to 15.</param>
    /// <param name="group">The group.</param>
    /// <param name="values">32 values within the range of <see cref="Bits"/>.</param>
    /// <param name="scale">What a value is multiplied by: of magnitude 2^-14 or more, or zero when all values are.</param>
    public unsafe void Put(byte* block, int row, int group, ReadOnlySpan<sbyte> values, Half scale)
    {
        ((Half*)block)[group * BlockRows + row] = scale;
        var target = block + ValuesOffset + (long)group * GroupBytes + row * 4;
        if (Bits == WeightBits.Four)
        {
            for (var i = 0; i < GroupInputs / 2; i++)
                target[i / 4 * Line + i % 4] = (byte)((values[i] + 8) | ((values[i + GroupInputs / 2] + 8) << 4));
            return;
        }
        for (var i = 0; i < GroupInputs; i++)
            target[i / 4 * Line + i % 4] = (byte)values[i];
    }

    /// <summary>Reads what <see cref="Put"/> stored.</summary>
    /// <param name="block">The first byte of the row's block.</param>
    /// <param name="row">The row within the block, 0 to 15.</param>
    /// <param name="group">The group.</param>
    /// <param name="values">Room for 32 values.</param>
    /// <returns>The scale.</returns>
    public unsafe Half Get(byte* block, int row, int group, Span<sbyte> values)
    {
        var source = block + ValuesOffset + (long)group * GroupBytes + row * 4;
        if (Bits == WeightBits.Four)
        {
            for (var i = 0; i < GroupInputs / 2; i++)
            {
                var pair = source[i / 4 * Line + i % 4];
                values[i] = (sbyte)((pair & 15) - 8);
                values[i + GroupInputs / 2] = (sbyte)((pair >> 4) - 8);
            }
        }
        else
        {
            for (var i = 0; i < GroupInputs; i++)
                values[i] = (sbyte)source[i / 4 * Line + i % 4];
        }
        return ((Half*)block)[group * BlockRows + row];
    }
}
