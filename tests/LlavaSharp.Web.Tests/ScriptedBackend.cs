using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Workers;

namespace LlavaSharp.Web.Tests;

/// <summary>A worker that says what a test wants, as fast as it wants.</summary>
internal sealed class ScriptedBackend(params string[] names) : IWorkerBackend
{
    private TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _asked;

    public IReadOnlyList<string> ModelNames => names;

    /// <summary>How often it was asked.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>How many pictures the last request had.</summary>
    public int Pictures { get; private set; }

    /// <summary>Lets an answer that waits go on.</summary>
    public void Open() => _gate.TrySetResult();

    /// <summary>Makes answers wait again.</summary>
    public void Shut() => _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async IAsyncEnumerable<string> AnswerAsync(JsonNode? request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var number = Interlocked.Increment(ref _asked);
        var prompt = request!["prompt"]!.GetValue<string>();
        Pictures = request["images"] is JsonArray images ? images.Count : 0;
        var question = prompt[(prompt.LastIndexOf("USER:", StringComparison.Ordinal) + 5)..prompt.LastIndexOf("ASSISTANT:", StringComparison.Ordinal)].Trim();
        if (question.Contains("fail", StringComparison.Ordinal))
        {
            yield return prompt + " Half an ans";
            throw new LlavaException("The test wants it to fail.");
        }
        if (question.Contains("wait", StringComparison.Ordinal))
        {
            yield return prompt + " The beginning";
            await _gate.Task.WaitAsync(cancellation);
            yield return prompt + " The beginning and the end";
            yield break;
        }
        yield return prompt + " " + (question.Contains("table", StringComparison.Ordinal) ? Page : $"Answer {number} to: {question}");
    }

    private const string Page = """
        # A heading

        Some **bold** text, `code`, a [link](https://example.org/) and one that is [none](javascript:alert(1)).

        | shape | colour |
        |---|---|
        | star | green |

        - [x] done
        - [ ] to do

        ```csharp
        Console.WriteLine("Hello");
        ```

        <script>window.hacked = true</script> ![a picture](https://example.org/a.png)
        """;
}
