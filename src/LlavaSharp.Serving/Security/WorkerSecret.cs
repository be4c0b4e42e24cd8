using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.Security;

/// <summary>What a controller wants its workers to know, so that nobody else can offer models.</summary>
internal static class WorkerSecret
{
    /// <summary>The header that has it.</summary>
    public const string Header = "X-Llava-Worker-Secret";

    /// <summary>Whether a request has it; all do where none is wanted.</summary>
    public static bool Knows(HttpContext context, string? secret) =>
        // hashes are compared, so that neither the time nor the length tells anything
        secret is null || CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(context.Request.Headers[Header].ToString())), SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>Reads it from a file: its first line.</summary>
    /// <exception cref="ServingException">The file cannot be read, or has less than 16 characters.</exception>
    public static string Read(string path)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault()?.Trim() is { Length: >= 16 } secret
                ? secret : throw new ServingException($"The first line of '{path}' is too short for a secret: 16 characters or more (--worker-secret-file).");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ServingException($"The secret cannot be read from '{path}': {exception.Message} (--worker-secret-file)", exception);
        }
    }
}
