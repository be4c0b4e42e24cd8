using System.Text.Json;
using LlavaSharp.Tests;

namespace LlavaSharp.Training.Tests;

public class LearningRateScheduleTests
{
    [Fact]
    public void Factor_EveryUpdateOfTheGoldens_AsInTheOriginal()
    {
        foreach (var golden in JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("training", "schedules.json"))).RootElement.EnumerateArray())
        {
            var total = golden.GetProperty("total_steps").GetInt64();
            var warmup = LearningRateSchedule.CountWarmup(total, golden.GetProperty("warmup_ratio").GetDouble());
            Assert.Equal(golden.GetProperty("warmup_steps").GetInt64(), warmup);
            var schedule = new LearningRateSchedule(LearningRateSchedule.Names[golden.GetProperty("schedule").GetString()!], warmup, total);
            foreach (var pair in golden.GetProperty("factor_of_update").EnumerateArray())
            {
                var expected = pair[1].GetDouble();
                Assert.InRange(schedule.Factor(pair[0].GetInt64()), expected - 1e-8, expected + 1e-8);
            }
        }
    }

    [Fact]
    public void Factor_ClockAheadOfCount_DecaysByTheClock()
    {
        var schedule = new LearningRateSchedule(ScheduleKind.Cosine, 10, long.MaxValue);
        Assert.Equal(0.5, schedule.Factor(5, 0.9));
        Assert.Equal(0.5, schedule.Factor(20, 0.5), 12);
        Assert.Equal(0, schedule.Factor(20, 1), 12);
    }

    [Fact]
    public void Factor_WithWarmup_FirstUpdateIsZero() => Assert.Equal(0, new LearningRateSchedule(ScheduleKind.Linear, 3, 10).Factor(0));
}
