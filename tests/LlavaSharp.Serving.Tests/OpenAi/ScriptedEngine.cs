using System.Runtime.CompilerServices;
using LlavaSharp.Generation;

namespace LlavaSharp.Serving.Tests.OpenAi;

/// <summary>Answers with a given text, in pieces of a few characters.</summary>
internal sealed class ScriptedEngine(LlavaModel model, string answer) : IGenerationEngine
{
    private const int Piece = 3;

    public LlavaModel Model => model;

    /// <summary>The last request.</summary>
    public GenerationRequest? Asked { get; private set; }

    public async IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Asked = request;
        await Task.Yield();
        foreach (var piece in answer.Chunk(Piece))
            yield return new(new string(piece));
        yield return new("", new GenerationResult(request.Prompt, [1], [1, 2], answer, FinishReason.Stop, 1, new(0, 0, 0)));
    }
}
