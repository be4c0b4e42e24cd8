using System.Text.Json;
using LlavaSharp.Native;
using LlavaSharp.Tests;
using static TorchSharp.torch;

namespace LlavaSharp.Training.Tests;

public class AdamWTests
{
    static AdamWTests() => TorchRuntime.Initialize();

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Golden().GetArrayLength())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_GradientsOfTheOriginal_GivesItsParameters(int number)
    {
        using var scope = NewDisposeScope();
        var golden = Golden()[number];
        var parameters = golden.GetProperty("initial").EnumerateObject()
            .ToDictionary(p => p.Name, p => tensor(Floats(p.Value)).requires_grad_(true), StringComparer.Ordinal);
        double rate = golden.GetProperty("learning_rate").GetDouble(), decay = golden.GetProperty("weight_decay").GetDouble();
        var projectorRate = golden.GetProperty("mm_projector_lr") is { ValueKind: JsonValueKind.Number } number_ ? number_.GetDouble() : (double?)null;
        var groups = ParameterGroup.Create(parameters, rate, decay, projectorRate);
        AssertGroups(golden.GetProperty("groups"), groups);
        using var optimizer = new AdamW(groups);
        var total = golden.GetProperty("total_steps").GetInt64();
        var schedule = new LearningRateSchedule(
            LearningRateSchedule.Names[golden.GetProperty("schedule").GetString()!],
            LearningRateSchedule.CountWarmup(total, golden.GetProperty("warmup_ratio").GetDouble()), total);
        var update = 0;
        foreach (var step in golden.GetProperty("steps").EnumerateArray())
        {
            optimizer.ClearGradients();
            foreach (var gradient in step.GetProperty("gradients").EnumerateObject().Where(g => g.Value.ValueKind == JsonValueKind.Array))
                parameters[gradient.Name].grad = tensor(Floats(gradient.Value));
            var norm = GradientClipping.Clip(parameters.Values, golden.GetProperty("max_grad_norm").GetDouble()).item<float>();
            var expectedNorm = step.GetProperty("grad_norm").GetDouble();
            Assert.InRange(norm, expectedNorm * (1 - 1e-5) - 1e-12, expectedNorm * (1 + 1e-5) + 1e-12);
            optimizer.Step(schedule.Factor(update++));
            foreach (var expected in step.GetProperty("parameters").EnumerateObject())
            {
                var found = parameters[expected.Name].detach().data<float>().ToArray();
                foreach (var (value, wanted) in found.Zip(Floats(expected.Value)))
                    Assert.InRange(value, wanted - 2e-6f, wanted + 2e-6f);
            }
        }
        Assert.Equal(total, update);
    }

    [Fact]
    public void SetState_StateOfAnother_GoesOnAlike()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (ones(3).requires_grad_(true), ones(3).requires_grad_(true));
        using var one = new AdamW([new ParameterGroup([new("w", first)], 0.1, 0.01)]);
        using var two = new AdamW([new ParameterGroup([new("w", second)], 0.1, 0.01)]);
        first.grad = tensor(new[] { 1f, -2f, 3f });
        one.Step(1);
        using (no_grad())
            second.copy_(first);
        var (moments, steps) = one.GetState();
        two.SetState(moments, steps);
        first.grad = second.grad = tensor(new[] { 0.5f, 0.25f, -1f });
        one.Step(1);
        two.Step(1);
        Assert.Equal(first.detach().data<float>().ToArray(), second.detach().data<float>().ToArray());
    }

    [Fact]
    public void SetState_MomentMissing_Throws()
    {
        using var scope = NewDisposeScope();
        using var optimizer = new AdamW([new ParameterGroup([new("w", ones(3).requires_grad_(true))], 0.1, 0)]);
        Assert.Throws<TrainingException>(() => optimizer.SetState(new Dictionary<string, Tensor>(), new Dictionary<string, long> { ["w"] = 1 }));
    }

    [Theory]
    [InlineData("model.layers.0.self_attn.q_proj.weight", true)]
    [InlineData("model.layers.0.input_layernorm.weight", false)]
    [InlineData("model.norm.weight", false)]
    [InlineData("model.vision_tower.vision_tower.vision_model.pre_layrnorm.weight", false)]
    [InlineData("model.vision_tower.vision_tower.vision_model.encoder.layers.1.layer_norm2.weight", false)]
    [InlineData("model.mm_projector.0.bias", false)]
    [InlineData("model.image_newline", true)]
    [InlineData("lm_head.weight", true)]
    public void Decays_Name_AsInTheOriginal(string name, bool decays) => Assert.Equal(decays, ParameterGroup.Decays(name));

    private static void AssertGroups(JsonElement golden, IReadOnlyList<ParameterGroup> groups)
    {
        var expected = golden.EnumerateArray()
            .Select(g => (g.GetProperty("initial_lr").GetDouble(), g.GetProperty("weight_decay").GetDouble(), Names(g.GetProperty("parameters").EnumerateArray().Select(p => p.GetString()!))))
            .Order().ToList();
        Assert.Equal(expected, groups.Select(g => (g.LearningRate, g.WeightDecay, Names(g.Parameters.Select(p => p.Key)))).Order().ToList());

        static string Names(IEnumerable<string> names) => string.Join(' ', names.Order(StringComparer.Ordinal));
    }

    private static float[] Floats(JsonElement array) => [.. array.EnumerateArray().Select(v => v.GetSingle())];

    private static JsonElement Golden() => JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("training", "adamw.json"))).RootElement;
}
