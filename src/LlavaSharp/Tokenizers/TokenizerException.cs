namespace LlavaSharp.Tokenizers;

/// <summary>A tokenizer file that cannot be read, or an id that the vocabulary does not hold.</summary>
public sealed class TokenizerException : LlavaException
{
    /// <summary>Creates the error.</summary>
    public TokenizerException(string message, string? file = null, Exception? innerException = null)
        : base(message, innerException) => File = file;

    /// <summary>The file at fault, if it is one.</summary>
    public string? File { get; }
}
