namespace LlavaSharp.Serving.Security;

/// <summary>A picture was not fetched. The message is fit for the client: it does not tell what is reachable from here.</summary>
public sealed class ImageFetchException(string message, Exception? innerException = null) : LlavaException(message, innerException);
