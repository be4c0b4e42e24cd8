using System.Globalization;
using System.Text.Json;

namespace LlavaSharp.Parity;

/// <summary>The comparisons of one case; the first that fails is the case's verdict.</summary>
public sealed class Comparison
{
    // what the goldens' rules call information wherever it stands
    private static readonly string[] s_information = ["made_with", "title", "note", "definition", "name", "case", "story", "original_quirk"];

    public string? Failure { get; private set; }

    /// <summary>Whether a key holds nothing that is compared, in every area.</summary>
    public static bool IsInformation(string key) => s_information.Contains(key) || key.Contains("crc", StringComparison.OrdinalIgnoreCase);

    public void Fail(string what) => Failure ??= what;

    public void Equal<T>(string what, T expected, T actual)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            Fail($"{what}: expected {Show(expected)}, got {Show(actual)} (max error 1, allowed 0)");
    }

    public void Sequence<T>(string what, IEnumerable<T> expected, IEnumerable<T> actual)
    {
        T[] e = [.. expected], a = [.. actual];
        if (e.Length != a.Length)
            Fail($"{what}: expected {e.Length} values, got {a.Length} ({Show(string.Join(' ', e))} / {Show(string.Join(' ', a))}) (max error {Math.Abs(e.Length - a.Length)}, allowed 0)");
        for (var i = 0; i < Math.Min(e.Length, a.Length); i++)
            if (!EqualityComparer<T>.Default.Equals(e[i], a[i]))
            {
                Fail($"{what}[{i}]: expected {Show(e[i])}, got {Show(a[i])} (max error 1, allowed 0)");
                return;
            }
    }

    /// <summary>Absolute agreement of two numbers; a value that is not finite never agrees unless it is equal.</summary>
    public void Close(string what, double expected, double actual, double allowed)
    {
        var error = expected.Equals(actual) ? 0 : Math.Abs(expected - actual);
        if (!(error <= allowed))
            Fail(Invariant($"{what}: expected {expected:R}, got {actual:R} (max error {error:G4}, allowed {allowed:G4})"));
    }

    /// <summary>Absolute agreement of two runs of numbers, element by element.</summary>
    public void Close(string what, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double allowed)
    {
        if (expected.Length != actual.Length)
        {
            Fail($"{what}: expected {expected.Length} values, got {actual.Length} (max error {Math.Abs(expected.Length - actual.Length)}, allowed 0)");
            return;
        }
        double worst = 0;
        var where = -1;
        for (var i = 0; i < expected.Length; i++)
        {
            var error = expected[i].Equals(actual[i]) ? 0 : Math.Abs((double)expected[i] - actual[i]);
            if (!(error <= worst))
                (worst, where) = (double.IsNaN(error) ? double.PositiveInfinity : error, i);
        }
        if (worst > allowed)
            Fail(Invariant($"{what}[{where}]: expected {expected[where]:R}, got {actual[where]:R} (max error {worst:G4}, allowed {allowed:G4})"));
    }

    /// <summary>Agreement relative to the largest magnitude among the expected values.</summary>
    public void CloseRelative(string what, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double allowed)
    {
        double largest = 0;
        foreach (var value in expected)
            largest = Math.Max(largest, Math.Abs((double)value));
        Close(what, expected, actual, allowed * largest);
    }

    /// <summary>A row may hold only the named fields: one that no check knows is a failure, never ignored.</summary>
    public void Fields(JsonElement row, params ReadOnlySpan<string> known)
    {
        foreach (var property in row.EnumerateObject())
            if (!known.Contains(property.Name) && !IsInformation(property.Name))
                Fail($"no check knows the field '{property.Name}'");
    }

    /// <summary>
    /// Rule 1 of the goldens: a row with <c>error</c> is ok when the product raises its own typed error, or returns without crashing.
    /// Returns true when the row was such a row and is dealt with.
    /// </summary>
    public bool ErrorRow(JsonElement row, Action product)
    {
        if (!row.TryGetProperty("error", out var error) || error.ValueKind == JsonValueKind.Null)
            return false;
        try
        {
            product();
        }
        catch (LlavaException)
        {
            // the product's own typed error is what the rule asks for
        }
        return true;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Show<T>(T value)
    {
        var text = JsonSerializer.Serialize(Convert.ToString(value, CultureInfo.InvariantCulture));
        return text.Length > 120 ? text[..120] + "..." : text;
    }
}
