namespace LlavaSharp.Native;

/// <summary>Decides which file to load for TorchSharp's native part: the one that came with it, or a patched copy.</summary>
internal sealed class BindingCopy
{
    private const string CppLibrary = "libstdc++.so.6";

    private readonly List<string> _notices = [];
    private readonly string _file;
    private readonly byte[]? _patched;

    /// <summary>Looks at the file and at the system's C++ library; nothing is written yet.</summary>
    /// <exception cref="NativeLibraryException">The file cannot be read or understood, or the system is too old for it.</exception>
    public BindingCopy(string file)
    {
        _file = file;
        LoadedFile = file;
        if (!OperatingSystem.IsLinux())
            return;
        SystemLibrary = NativeFileLocator.FindLoaded(CppLibrary)
            ?? throw new NativeLibraryException($"{CppLibrary}, the C++ runtime, is not on this system. Install it (apt-get install libstdc++6, dnf install libstdc++).", CppLibrary);
        var bytes = Read(file);
        var missing = ElfVersionPatcher.FindMissing(ElfFile.Parse(bytes, file), CppLibrary, ElfFile.Parse(Read(SystemLibrary), SystemLibrary).DefinedVersions);
        if (missing.Count == 0)
            return;
        PatchedVersions = [.. missing.Select(need => need.Version)];
        _patched = ElfVersionPatcher.MakeWeak(bytes, file, missing);
    }

    /// <summary>The system's C++ library that was compared with, or null where nothing is compared.</summary>
    public string? SystemLibrary { get; }

    /// <summary>The versions that the copy does not ask for any more.</summary>
    public IReadOnlyList<string> PatchedVersions { get; } = [];

    /// <summary>What a user should know.</summary>
    public IReadOnlyList<string> Notices => _notices;

    /// <summary>The file that was loaded.</summary>
    public string LoadedFile { get; private set; }

    /// <summary>Loads the file or the copy with <paramref name="load"/>.</summary>
    public nint Open(Func<string, nint> load)
    {
        if (_patched is null)
            return load(_file);
        var folder = Path.Combine(CacheFolder.Root, "native");
        try
        {
            LoadedFile = NativeFileCache.Store(folder, Path.GetFileName(_file), _patched);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return OpenTemporary(load, folder, exception);
        }
        return load(LoadedFile);
    }

    // A folder of this process alone, gone once the file is mapped: nothing is left behind, and nobody else can put a file there.
    private nint OpenTemporary(Func<string, nint> load, string folder, Exception reason)
    {
        _notices.Add($"The cache folder {folder} cannot be written ({reason.Message}), so a temporary copy is made at every start. Set LLAVA_CACHE to a folder that can be written.");
        DirectoryInfo? temporary = null;
        try
        {
            temporary = Directory.CreateTempSubdirectory("llava-sharp-");
            LoadedFile = NativeFileCache.Store(temporary.FullName, Path.GetFileName(_file), _patched!);
            return load(LoadedFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new NativeLibraryException(
                $"A patched copy of {_file} is needed, but neither {folder} ({reason.Message}) nor {Path.GetTempPath()} ({exception.Message}) can be written. Set LLAVA_CACHE to a folder that can be.",
                _file, [folder, Path.GetTempPath()], exception);
        }
        finally
        {
            temporary?.Delete(recursive: true);
        }
    }

    private static byte[] Read(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new NativeLibraryException($"{file} cannot be read: {exception.Message}", file, innerException: exception);
        }
    }
}
