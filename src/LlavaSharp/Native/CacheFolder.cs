namespace LlavaSharp.Native;

/// <summary>Where LlavaSharp keeps files that it can make again.</summary>
public static class CacheFolder
{
    /// <summary>
    /// <c>LLAVA_CACHE</c> when it is set; else <c>llava-sharp</c> below the system's cache folder: <c>XDG_CACHE_HOME</c> or <c>~/.cache</c>,
    /// <c>~/Library/Caches</c> on macOS, local application data on Windows. The folder need not exist.
    /// </summary>
    public static string Root
    {
        get
        {
            if (Environment.GetEnvironmentVariable("LLAVA_CACHE") is { Length: > 0 } chosen)
                return Path.GetFullPath(chosen);
            if (OperatingSystem.IsWindows())
                return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "llava-sharp");
            // the XDG specification says to ignore a path that is not absolute
            if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg && Path.IsPathRooted(xdg))
                return Path.Combine(xdg, "llava-sharp");
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (home.Length == 0)
                home = Path.GetTempPath(); // a service account without a home
            return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches", "llava-sharp") : Path.Combine(home, ".cache", "llava-sharp");
        }
    }
}
