namespace LlavaSharp.Serving.Protocol;

/// <summary>A message that does not follow the protocol.</summary>
internal sealed class ProtocolException(string message, Exception? innerException = null) : LlavaException(message, innerException);
