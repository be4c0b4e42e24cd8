namespace LlavaSharp.Kernels;

/// <summary>Work in parts that may run at the same time. One object serves many runs, so that handing work to threads allocates nothing.</summary>
internal abstract class KernelWork
{
    /// <summary>Does one part; must not throw.</summary>
    /// <param name="part">Its number, from 0.</param>
    public abstract void RunPart(int part);
}
