namespace LlavaSharp.Serving.Security;

/// <summary>Gets the bytes of pictures that clients name by address.</summary>
public interface IImageFetcher
{
    /// <summary>Gets them.</summary>
    /// <param name="address">The picture's address, as the client wrote it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ImageFetchException">The address is not allowed, or there is no picture.</exception>
    Task<byte[]> FetchAsync(string address, CancellationToken cancellation);
}
