using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LlavaSharp.Serving.Hosting;

/// <summary>Where a server listens: exactly where it was told, never at all addresses because a name is unknown.</summary>
internal static class ListeningAddress
{
    /// <summary>The addresses behind a name or number.</summary>
    /// <exception cref="ServingException">There are none.</exception>
    public static IPAddress[] Resolve(string host)
    {
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return [IPAddress.Loopback];
        if (IPAddress.TryParse(host, out var number))
            return [number];
        try
        {
            return Dns.GetHostAddresses(host) is { Length: > 0 } found ? found : throw new ServingException($"The name '{host}' has no address: name another one (--host).");
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            throw new ServingException($"The name '{host}' has no address: name another one (--host).", exception);
        }
    }

    /// <summary>Listens at all of them.</summary>
    public static void Listen(KestrelServerOptions kestrel, IEnumerable<IPAddress> addresses, int port)
    {
        foreach (var address in addresses)
            kestrel.Listen(address, port);
    }
}
