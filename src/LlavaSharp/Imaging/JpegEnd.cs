namespace LlavaSharp.Imaging;

/// <summary>Tells whether a progressive JPEG has its end: the decoder would fill the missing scans with blur and say nothing.</summary>
internal static class JpegEnd
{
    private const byte StartOfProgressive = 0xC2, EndOfImage = 0xD9, StartOfScan = 0xDA;

    public static bool IsMissing(ReadOnlySpan<byte> file)
    {
        var isProgressive = false;
        var position = 2;
        while (true)
        {
            var next = file[position..].IndexOf((byte)0xFF);
            if (next < 0 || position + next + 1 >= file.Length)
                return isProgressive;
            position += next + 1;
            var marker = file[position];
            // Stuffed zeros, fill bytes and restart markers belong to the data before them.
            if (marker is 0 or 0xFF or 0x01 or >= 0xD0 and <= 0xD8)
                continue;
            if (marker == EndOfImage)
                return false;
            isProgressive |= marker == StartOfProgressive;
            if (marker != StartOfScan && position + 3 <= file.Length)
                position = Math.Min(file.Length, position + 1 + (file[position + 1] << 8 | file[position + 2]));
        }
    }
}
