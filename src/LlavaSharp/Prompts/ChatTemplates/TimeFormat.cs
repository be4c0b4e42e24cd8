using System.Globalization;
using System.Text;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Date and time as C's <c>strftime</c> writes them, with English names.</summary>
internal static class TimeFormat
{
    public static string Write(RenderContext context, string format)
    {
        context.Characters(8L * format.Length);
        var now = context.TimeProvider.GetLocalNow();
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            // '-' leaves out a leading zero
            var isShort = format[i + 1] == '-' && i + 2 < format.Length;
            i += isShort ? 2 : 1;
            var part = Part(context, now, format[i]);
            text.Append(isShort && part.Length > 1 ? part.TrimStart('0').PadLeft(1, '0') : part);
        }
        return text.ToString();
    }

    private static string Part(RenderContext context, DateTimeOffset now, char code) => code switch
    {
        'a' => Say(now, "ddd"),
        'A' => Say(now, "dddd"),
        'b' or 'h' => Say(now, "MMM"),
        'B' => Say(now, "MMMM"),
        'd' => Say(now, "dd"),
        'D' => Say(now, "MM/dd/yy"),
        'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'F' => Say(now, "yyyy-MM-dd"),
        'H' => Say(now, "HH"),
        'I' => Say(now, "hh"),
        'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'm' => Say(now, "MM"),
        'M' => Say(now, "mm"),
        'p' => now.Hour < 12 ? "AM" : "PM",
        'S' => Say(now, "ss"),
        'T' => Say(now, "HH:mm:ss"),
        'y' => Say(now, "yy"),
        'Y' => Say(now, "yyyy"),
        'z' => Say(now, "zzz").Replace(":", "", StringComparison.Ordinal),
        '%' => "%",
        _ => throw context.Error($"'strftime_now' does not know '%{code}'."),
    };

    private static string Say(DateTimeOffset now, string format) => now.ToString(format, CultureInfo.InvariantCulture);
}
