namespace LlavaSharp.Generation;

/// <summary>What answers requests: a <see cref="LlavaModel"/> one after the other, a batching engine many at once.</summary>
public interface IGenerationEngine
{
    /// <summary>The model that answers; its own <see cref="LlavaModel.GenerateAsync"/> may be called beside.</summary>
    LlavaModel Model { get; }

    /// <summary>Generates an answer and streams it; the last update carries the whole result. Ending the enumeration ends the generation at the next token.</summary>
    /// <param name="request">Prompt, pictures and options.</param>
    /// <param name="cancellationToken">Stops at the next token.</param>
    /// <exception cref="ImageCountException">Markers and pictures differ in number.</exception>
    /// <exception cref="ContextLengthException">The prompt is longer than the context.</exception>
    /// <exception cref="GenerationException">An option is out of range, or the engine has no such adapter.</exception>
    IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default);
}
