namespace LlavaSharp.Tests;

/// <summary>Where the repository and its small golden files are.</summary>
internal static class TestFiles
{
    public static string RepositoryRoot { get; } = FindRoot();

    public static string Golden(params string[] parts) => Path.Combine([RepositoryRoot, "tests", "Golden", .. parts]);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "LlavaSharp.slnx")))
                return folder.FullName;
        throw new InvalidOperationException("LlavaSharp.slnx is above no folder of the tests' output.");
    }
}
