namespace LlavaSharp.Serving.Protocol;

/// <summary>The controller cannot be asked.</summary>
internal sealed class ControllerException(string message, Exception? innerException = null) : LlavaException(message, innerException);
