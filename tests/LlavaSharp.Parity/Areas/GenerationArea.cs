using System.Text.Json;
using LlavaSharp.Generation;

namespace LlavaSharp.Parity.Areas;

/// <summary>Next-token distributions after repetition penalty, temperature, top-k and top-p.</summary>
public sealed class GenerationArea : IParityArea
{
    private const double Allowed = 1e-5;

    public string Name => "generation";

    public void Check(AreaRun run)
    {
        const string file = "sampling.json";
        if (!run.Has(file))
            return;
        var root = run.Json(file);
        run.Case(file, c => c.Fields(root, "order", "cases"));
        var number = 0;
        foreach (var row in root.GetProperty("cases").EnumerateArray())
            run.Case($"{file}:{number++}", c => CheckSampling(c, row));
    }

    private static void CheckSampling(Comparison c, JsonElement row)
    {
        c.Fields(row, "logits", "previous_ids", "temperature", "top_k", "top_p", "repetition_penalty", "kept", "probabilities", "error");
        float[] logits = [.. row.GetProperty("logits").EnumerateArray().Select(value => value.GetSingle())];
        int[] previous = [.. row.GetProperty("previous_ids").EnumerateArray().Select(value => value.GetInt32())];
        LogitsProcessor Process()
        {
            var processor = new LogitsProcessor(new GenerationSettings
            {
                MaxNewTokens = 1,
                Temperature = row.NumberOrNull("temperature") ?? 1,
                TopK = (int)(row.NumberOrNull("top_k") ?? 0),
                TopP = row.NumberOrNull("top_p") ?? 1,
                RepetitionPenalty = row.NumberOrNull("repetition_penalty") ?? 1,
            });
            processor.Apply(logits, previous);
            return processor;
        }
        if (c.ErrorRow(row, () => Process()))
            return;
        var result = Process();
        List<int> kept = [];
        var all = new float[logits.Length];
        for (var i = 0; i < result.KeptIds.Length; i++)
            if ((all[result.KeptIds[i]] = result.Probabilities[i]) > 0)
                kept.Add(result.KeptIds[i]);
        c.Sequence("kept", row.GetProperty("kept").EnumerateArray().Select(value => value.GetInt32()), kept);
        float[] expected = [.. row.GetProperty("probabilities").EnumerateArray().Select(value => value.GetSingle())];
        // Recorded for every id (zero where not kept), or for the kept ones alone.
        float[] actual = expected.Length == all.Length ? all : [.. kept.Select(id => all[id])];
        c.Close("probabilities", expected, actual, Allowed);
        c.Equal("ids that are not kept but have a logit", 0, logits.Where((value, id) => float.IsFinite(value) && !result.KeptIds.Contains(id)).Count());
    }
}
