namespace LlavaSharp.Training;

/// <summary>PyTorch's CPU generator (MT19937, Matsumoto and Nishimura 1998), as far as the order of samples needs it.</summary>
public sealed class TorchRandom
{
    private const int Size = 624;
    private const int Shift = 397;

    private readonly uint[] _state = new uint[Size];
    private int _next = Size;

    /// <summary>Seeds the generator; like PyTorch it takes the low 32 bits.</summary>
    public TorchRandom(long seed)
    {
        _state[0] = (uint)seed;
        for (var i = 1; i < Size; i++)
            _state[i] = 1812433253u * (_state[i - 1] ^ (_state[i - 1] >> 30)) + (uint)i;
    }

    /// <summary>The next 32 bits.</summary>
    public uint NextUInt32()
    {
        if (_next == Size)
            Twist();
        var y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >> 18);
    }

    /// <summary>The next whole number from 0 to 2^63 - 1, as an empty int64 tensor's <c>random_()</c> draws it.</summary>
    public long NextInt64()
    {
        var high = (ulong)NextUInt32();
        return (long)(((high << 32) | NextUInt32()) & long.MaxValue);
    }

    /// <summary>A random order of 0 to <paramref name="count"/> - 1: PyTorch's <c>randperm</c>.</summary>
    public int[] Permutation(int count)
    {
        var order = Enumerable.Range(0, count).ToArray();
        for (var i = 0; i < count - 1; i++)
        {
            var other = i + (int)(NextUInt32() % (uint)(count - i));
            (order[i], order[other]) = (order[other], order[i]);
        }
        return order;
    }

    private void Twist()
    {
        for (var i = 0; i < Size; i++)
        {
            var y = (_state[i] & 0x80000000) | (_state[(i + 1) % Size] & 0x7fffffff);
            _state[i] = _state[(i + Shift) % Size] ^ (y >> 1) ^ ((y & 1) * 0x9908b0df);
        }
        _next = 0;
    }
}
