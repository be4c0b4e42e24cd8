namespace LlavaSharp.Models;

/// <summary>A device and what it has to give.</summary>
/// <param name="Name">The device, as users name it.</param>
/// <param name="Free">Its free memory in bytes; of a device that is named several times, the share of one of them.</param>
internal readonly record struct DeviceRoom(string Name, long Free);
