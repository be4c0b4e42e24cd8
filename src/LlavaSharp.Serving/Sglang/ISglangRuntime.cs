namespace LlavaSharp.Serving.Sglang;

/// <summary>An SGLang back end.</summary>
public interface ISglangRuntime
{
    /// <summary>The path of the model that it has.</summary>
    /// <exception cref="ServingException">It cannot be asked.</exception>
    Task<string> GetModelPathAsync(CancellationToken cancellation);

    /// <summary>Runs a program.</summary>
    /// <returns>The pieces of its answer.</returns>
    /// <exception cref="LlavaException">It fails.</exception>
    IAsyncEnumerable<string> RunAsync(SglangProgram program, CancellationToken cancellation);
}
