using System.Runtime.InteropServices;

namespace LlavaSharp.Native;

/// <summary>
/// How long libtorch's OpenMP threads stay awake after a piece of work. As GNU's OpenMP comes, they look out for milliseconds, on processors that our own kernels need meanwhile:
/// an encoded picture took a fifth longer. After some microseconds they shall sleep.
/// </summary>
internal static partial class OpenMpWaiting
{
    private const string Setting = "GOMP_SPINCOUNT";
    private const string Turns = "3000";   // some tens of microseconds: the pauses between libtorch's operations in training

    /// <summary>Sets it for this process, unless the user has; to be called before libtorch is loaded, which reads it then.</summary>
    public static void Shorten()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable(Setting) is not null || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null)
            return;
        // .NET keeps an environment of its own, which native code does not see; where the call fails, things are as they were: slower
        _ = SetVariable(Setting, Turns, 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
