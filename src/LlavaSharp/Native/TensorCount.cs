using TorchSharp;

namespace LlavaSharp.Native;

/// <summary>Counts TorchSharp's living tensor objects from a point in time on, for tests that look for leaks.</summary>
/// <remarks>The counts are the whole process's: other threads that make tensors meanwhile are counted too.</remarks>
internal readonly struct TensorCount
{
    private readonly long _before;

    private TensorCount(long before) => _before = before;

    /// <summary>Starts to count, once the tensors that nobody holds any more are gone: their finalizers would lower the count later.</summary>
    public static TensorCount Start()
    {
        TorchRuntime.Initialize();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return new(torch.Tensor.TotalCount);
    }

    /// <summary>The tensor objects that were made since the start and not disposed of yet.</summary>
    public long Living => torch.Tensor.TotalCount - _before;
}
