using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace LlavaSharp.Checkpoints;

/// <summary>A whole file mapped read-only; nothing is read until it is touched.</summary>
internal sealed unsafe class MappedFile : TensorMemory
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeMemoryMappedViewHandle _handle;
    private byte* _pointer;

    private MappedFile(string path, long length, MemoryMappedFile map, MemoryMappedViewAccessor view)
    {
        (Path, Length, _map, _view, _handle) = (path, length, map, view, view.SafeMemoryMappedViewHandle);
        _handle.AcquirePointer(ref _pointer);
        _pointer += view.PointerOffset;
    }

    public override string Path { get; }

    public override long Length { get; }

    public override byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer == null, this);
            return _pointer;
        }
    }

    /// <summary>Maps a file.</summary>
    /// <exception cref="CheckpointException">It is missing, empty, a folder, or may not be read.</exception>
    public static MappedFile Open(string path)
    {
        if (!BitConverter.IsLittleEndian)
            throw new CheckpointException("Checkpoints hold little-endian numbers, and this machine is big-endian.", path);
        if (Directory.Exists(path))
            throw new CheckpointException($"'{path}' is a folder, not a weight file. Name a file in it, or open the folder as a checkpoint.", path);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
            var length = stream.Length;
            if (length == 0)
                throw new CheckpointException($"'{path}' is empty. Fetch it again: a download was probably cut off.", path);
            var map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            try
            {
                return new MappedFile(path, length, map, map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read));
            }
            catch
            {
                map.Dispose();
                throw;
            }
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException($"The weight file '{path}' does not exist. Check the path, or fetch the checkpoint again.", path, innerException: exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new CheckpointException($"'{path}' cannot be opened: {exception.Message}", path, innerException: exception);
        }
    }

    public override void Dispose()
    {
        if (_pointer == null)
            return;
        _pointer = null;
        _handle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
