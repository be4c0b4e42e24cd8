namespace LlavaSharp.Serving.OpenAi;

/// <summary>A request that is answered with an error object.</summary>
internal sealed class OpenAiException(int status, string message, string? parameter = null, string? code = null, string type = OpenAiException.InvalidRequest) : LlavaException(message)
{
    /// <summary>The type of errors that the client made.</summary>
    public const string InvalidRequest = "invalid_request_error";

    /// <summary>The type of errors that the server made.</summary>
    public const string ServerError = "server_error";

    public int Status { get; } = status;

    public string? Parameter { get; } = parameter;

    public string? Code { get; } = code;

    public string Type { get; } = type;

    /// <summary>A value that cannot be taken.</summary>
    public static OpenAiException Invalid(string parameter, string message, string code = "invalid_value") => new(400, message, parameter, code);

    /// <summary>A part of the interface that is not there.</summary>
    public static OpenAiException Unsupported(string parameter, string message) => new(400, message, parameter, "unsupported_parameter");
}
