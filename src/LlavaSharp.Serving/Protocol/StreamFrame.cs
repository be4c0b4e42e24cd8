using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.IO;

namespace LlavaSharp.Serving.Protocol;

/// <summary>One part of a generation stream: a JSON object, behind which a zero byte stands.</summary>
/// <param name="Text">All that was said so far, behind the prompt; or what went wrong.</param>
/// <param name="ErrorCode">0, or what went wrong.</param>
internal sealed record StreamFrame(string Text, int ErrorCode)
{
    /// <summary>Generating failed.</summary>
    public const int GenerationFailed = 1;

    /// <summary>No worker has the model.</summary>
    public const int NoWorker = 2;

    /// <summary>The worker could not be reached, or fell silent.</summary>
    public const int WorkerUnreachable = 3;

    /// <summary>The frame that says that no answer can be had.</summary>
    public static StreamFrame Error(int code) => new(ProtocolTexts.ServerError, code);

    /// <summary>As it is sent.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(PythonJson.Dump(new JsonObject { ["text"] = Text, ["error_code"] = ErrorCode }) + "\0");
}
