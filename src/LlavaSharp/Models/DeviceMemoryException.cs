namespace LlavaSharp.Models;

/// <summary>The devices together have too little free memory for a model.</summary>
public sealed class DeviceMemoryException(string message, long missing) : LlavaException(message)
{
    /// <summary>The bytes that find no place.</summary>
    public long Missing { get; } = missing;
}
