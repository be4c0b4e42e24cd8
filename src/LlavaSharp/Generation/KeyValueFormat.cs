namespace LlavaSharp.Generation;

/// <summary>How a <see cref="KeyValueCache"/> keeps its numbers.</summary>
public enum KeyValueFormat
{
    /// <summary>As computed: tensors of the type and on the device of computation.</summary>
    Dense,

    /// <summary>On a CPU, as integers of 16 bits with one scale a position and head: half the memory of float32, and read by a kernel of our own.</summary>
    Integer16,

    /// <summary>On a CPU, as integers of 8 bits with one scale a position and head.</summary>
    Integer8,
}
