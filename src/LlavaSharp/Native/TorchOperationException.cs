namespace LlavaSharp.Native;

/// <summary>A call of libtorch's C interface that failed, or whose arguments would make it fail.</summary>
public sealed class TorchOperationException : LlavaException
{
    /// <summary>Creates the error for an <paramref name="operation"/> such as <c>aten::_int_mm</c>; <paramref name="code"/> is libtorch's, or 0 when it was not called.</summary>
    public TorchOperationException(string message, string operation, int code = 0, Exception? innerException = null)
        : base(message, innerException) => (Operation, Code) = (operation, code);

    /// <summary>The operation or function that failed.</summary>
    public string Operation { get; }

    /// <summary>libtorch's error code, or 0 when the arguments were refused before the call.</summary>
    public int Code { get; }
}
