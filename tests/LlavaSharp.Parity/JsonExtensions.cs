using System.Text.Json;

namespace LlavaSharp.Parity;

/// <summary>Short forms for reading golden JSON.</summary>
internal static class JsonExtensions
{
    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static string? TextOrNull(this JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetString() : null;

    public static int Int(this JsonElement element, string name) => element.GetProperty(name).GetInt32();

    public static double Number(this JsonElement element, string name) => element.GetProperty(name).GetDouble();

    public static int[] Ints(this JsonElement element, string name) => element.GetProperty(name).Ints();

    public static int[] Ints(this JsonElement element) => [.. element.EnumerateArray().Select(value => value.GetInt32())];

    public static double[] Numbers(this JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];

    public static string[] Texts(this JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(value => value.GetString()!)];

    public static double? NumberOrNull(this JsonElement element, string name) => element.HasValue(name) ? element.Number(name) : null;

    public static bool HasValue(this JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;
}
