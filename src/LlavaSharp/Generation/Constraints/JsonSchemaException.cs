namespace LlavaSharp.Generation.Constraints;

/// <summary>An answer cannot be held to a JSON schema: the message says which part of it, and what to do.</summary>
public sealed class JsonSchemaException : LlavaException
{
    /// <summary>Creates the error; <paramref name="pointer"/> is the JSON pointer of the part that is at fault, with <c>#</c> in front.</summary>
    public JsonSchemaException(string pointer, string message)
        : base($"JSON schema, {pointer}: {message}") => (Pointer, Reason) = (pointer, message);

    internal JsonSchemaException(string owner, JsonSchemaException inner)
        : base($"JSON schema of {owner}, {inner.Pointer}: {inner.Reason}") => (Pointer, Reason) = (inner.Pointer, inner.Reason);

    internal string Reason { get; }

    /// <summary>The JSON pointer of the part that is at fault, with <c>#</c> in front.</summary>
    public string Pointer { get; }
}
