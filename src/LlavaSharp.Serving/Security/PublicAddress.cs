using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace LlavaSharp.Serving.Security;

/// <summary>Tells addresses of the public internet from all others (IANA's special-purpose registries, RFC 6890 and its successors).</summary>
internal static class PublicAddress
{
    // network, and how many of its bits count
    private static readonly (uint Network, int Bits)[] _special4 =
    [
        (V4(0, 0, 0, 0), 8),         // this network
        (V4(10, 0, 0, 0), 8),        // private
        (V4(100, 64, 0, 0), 10),     // shared by carriers
        (V4(127, 0, 0, 0), 8),       // loopback
        (V4(169, 254, 0, 0), 16),    // link-local; clouds tell their secrets there
        (V4(172, 16, 0, 0), 12),     // private
        (V4(192, 0, 0, 0), 24),      // protocols
        (V4(192, 0, 2, 0), 24),      // documentation
        (V4(192, 31, 196, 0), 24),   // AS112
        (V4(192, 52, 193, 0), 24),   // multicast relays
        (V4(192, 88, 99, 0), 24),    // 6to4 relays
        (V4(192, 168, 0, 0), 16),    // private
        (V4(192, 175, 48, 0), 24),   // AS112
        (V4(198, 18, 0, 0), 15),     // benchmarks
        (V4(198, 51, 100, 0), 24),   // documentation
        (V4(203, 0, 113, 0), 24),    // documentation
        (V4(224, 0, 0, 0), 4),       // multicast
        (V4(240, 0, 0, 0), 4),       // reserved, and broadcast
    ];

    // only 2000::/3 is given out; inside it:
    private static readonly (UInt128 Network, int Bits)[] _special6 =
    [
        (V6("2001::"), 23),          // protocols, Teredo among them: it carries other addresses
        (V6("2001:db8::"), 32),      // documentation
        (V6("2002::"), 16),          // 6to4: it carries other addresses
        (V6("2620:4f:8000::"), 48),  // AS112
        (V6("3fff::"), 20),          // documentation
    ];

    /// <summary>Whether an address belongs to the public internet.</summary>
    public static bool Is(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6)
            return Is(address.MapToIPv4());
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return !_special4.Any(special => Begins(V4(address), special.Network, special.Bits));
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || address.ScopeId != 0)
            return false;
        var number = V6(address);
        return number >> 125 == 1 && !_special6.Any(special => (number ^ special.Network) >> (128 - special.Bits) == 0);
    }

    private static bool Begins(uint address, uint network, int bits) => (address ^ network) >> (32 - bits) == 0;

    private static uint V4(byte a, byte b, byte c, byte d) => (uint)((a << 24) | (b << 16) | (c << 8) | d);

    private static uint V4(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    private static UInt128 V6(string address) => V6(IPAddress.Parse(address));

    private static UInt128 V6(IPAddress address) => BinaryPrimitives.ReadUInt128BigEndian(address.GetAddressBytes());
}
