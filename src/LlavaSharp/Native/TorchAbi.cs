using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaSharp.Native;

/// <summary>libtorch's plain C interface, for what TorchSharp does not offer: tensors over memory of ours, and any operation by its name.</summary>
/// <remarks>Its handles are TorchSharp's: pointers to a tensor object that whoever holds them deletes once.</remarks>
internal static unsafe partial class TorchAbi
{
    private const int CpuDevice = 0;

    static TorchAbi() => TorchRuntime.Initialize();

    /// <summary>The version that the loaded libtorch says it has, such as <c>2.10.0</c>.</summary>
    internal static string LibTorchVersion
    {
        get
        {
            var packed = AbiVersion(); // one byte each from the top: major, minor, patch
            return string.Create(CultureInfo.InvariantCulture, $"{packed >> 56}.{packed >> 48 & 0xff}.{packed >> 40 & 0xff}");
        }
    }

    /// <summary>A CPU tensor over memory that the caller owns; nothing is copied, and nothing is freed with the tensor.</summary>
    /// <param name="data">The first element; aligned to the element's size. It must stay valid while the tensor or any view of it lives.</param>
    /// <param name="shape">The size of each dimension.</param>
    /// <param name="strides">The step of each dimension in elements, not negative; 0 repeats one element.</param>
    /// <param name="dtype">The type of the elements.</param>
    /// <exception cref="TorchOperationException">Shape, strides and data do not fit together.</exception>
    internal static Tensor TensorOverMemory(IntPtr data, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, ScalarType dtype)
    {
        const string operation = "aoti_torch_create_tensor_from_blob";
        if (shape.Length != strides.Length)
            throw new TorchOperationException($"A shape of {shape.Length} dimensions was given {strides.Length} strides.", operation);
        long elements = 1;
        for (var i = 0; i < shape.Length; i++)
        {
            if (shape[i] < 0 || strides[i] < 0)
                throw new TorchOperationException($"Dimension {i} has size {shape[i]} and stride {strides[i]}; neither may be negative.", operation);
            elements = shape[i] == 0 ? 0 : elements;
        }
        if (data == IntPtr.Zero && elements != 0)
            throw new TorchOperationException("The memory's address is zero.", operation);
        IntPtr handle;
        fixed (long* sizes = shape, steps = strides)
            Check(CreateTensorFromBlob(data, shape.Length, sizes, steps, 0, (int)dtype, CpuDevice, 0, out handle), operation);
        return Tensor.UnsafeCreateTensor(handle);
    }

    /// <summary>A contiguous CPU tensor over memory that the caller owns; see the overload with strides.</summary>
    internal static Tensor TensorOverMemory(IntPtr data, ReadOnlySpan<long> shape, ScalarType dtype)
    {
        Span<long> strides = shape.Length <= 8 ? stackalloc long[shape.Length] : new long[shape.Length];
        long step = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = step;
            step = checked(step * Math.Max(shape[i], 1));
        }
        return TensorOverMemory(data, shape, strides, dtype);
    }

    /// <summary>The address of a tensor's first element (its storage offset included); zero for a tensor without elements. Valid while the tensor lives.</summary>
    /// <exception cref="TorchOperationException">The tensor has no storage, such as one on the meta device.</exception>
    internal static IntPtr DataPointer(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        Check(GetDataPointer(tensor.Handle, out var data), "aoti_torch_get_data_ptr");
        GC.KeepAlive(tensor);
        return data;
    }

    /// <summary>The exact product of two int8 matrices, <c>aten::_int_mm</c>: [M, K] times [K, N] gives int32 [M, N].</summary>
    /// <remarks>
    /// Fastest when <paramref name="b"/> is the transposed view of row-major weights [N, K]. Only fast where
    /// <see cref="CpuReport.HasFastInt8Products"/> holds: elsewhere libtorch runs a plain loop.
    /// </remarks>
    /// <exception cref="TorchOperationException">The types or shapes do not fit.</exception>
    internal static Tensor Int8MatMul(Tensor a, Tensor b)
    {
        const string operation = "aten::_int_mm";
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.dtype != ScalarType.Int8 || b.dtype != ScalarType.Int8)
            throw new TorchOperationException($"{operation} multiplies Int8 by Int8, but was given {a.dtype} and {b.dtype}.", operation);
        if (a.dim() != 2 || b.dim() != 2 || a.shape[1] != b.shape[0])
            throw new TorchOperationException($"{operation} multiplies [M, K] by [K, N], but was given [{string.Join(", ", a.shape)}] and [{string.Join(", ", b.shape)}].", operation);
        return CallOnTensors(operation, "", a, b); // [M, N]
    }

    /// <summary>Calls an operation whose arguments are all tensors and whose result is one tensor.</summary>
    /// <param name="operation">Such as <c>aten::_int_mm</c>.</param>
    /// <param name="overload">Such as <c>Tensor</c>, or empty.</param>
    /// <param name="arguments">All arguments, in order; those with a default too: libtorch reads as many as the operation has. They stay the caller's.</param>
    /// <exception cref="TorchOperationException">libtorch refused; it writes its reason to standard error.</exception>
    internal static Tensor CallOnTensors(string operation, string overload, params ReadOnlySpan<Tensor> arguments)
    {
        Span<IntPtr> stack = stackalloc IntPtr[Math.Max(arguments.Length, 1)];
        var filled = 0;
        try
        {
            foreach (var argument in arguments)
                Check(NewTensorHandle(argument.Handle, out stack[filled++]), "aoti_torch_new_tensor_handle");
        }
        catch
        {
            foreach (var handle in stack[..Math.Max(filled - 1, 0)])
                DeleteTensorObject(handle);
            throw;
        }
        fixed (IntPtr* first = stack)
            Check(CallDispatcher(operation, overload, first), operation); // takes the handles over, even when it fails
        foreach (var argument in arguments)
            GC.KeepAlive(argument);
        return Tensor.UnsafeCreateTensor(stack[0]);
    }

    private static void Check(int code, string operation)
    {
        if (code != 0)
            throw new TorchOperationException($"libtorch refused {operation} (code {code}); its reason stands on standard error.", operation, code);
    }

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_abi_version")]
    private static partial ulong AbiVersion();

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_create_tensor_from_blob")]
    private static partial int CreateTensorFromBlob(IntPtr data, long dimensions, long* sizes, long* strides, long offset, int dtype, int deviceType, int deviceIndex, out IntPtr tensor);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_get_data_ptr")]
    private static partial int GetDataPointer(IntPtr tensor, out IntPtr data);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_new_tensor_handle")]
    private static partial int NewTensorHandle(IntPtr tensor, out IntPtr copy);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_delete_tensor_object")]
    private static partial int DeleteTensorObject(IntPtr tensor);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_call_dispatcher", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CallDispatcher(string operation, string overload, IntPtr* stack);
}
