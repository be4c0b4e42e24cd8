using System.Net;

namespace LlavaSharp.Serving.Security;

/// <summary>Reaches other hosts: the two steps that tests stand in for.</summary>
internal interface IHostConnector
{
    /// <summary>The addresses of a host name.</summary>
    Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation);

    /// <summary>A connection to exactly this address.</summary>
    Task<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellation);
}
