using LlavaSharp.Models;

namespace LlavaSharp.Tests.Models;

public sealed class DevicePlanTests
{
    private const long Room = 1000;   // of which weights may take 900

    [Fact]
    public void Create_EqualDevices_GetEqualShares()
    {
        var plan = DevicePlan.Create(Rooms(Room, Room), new(10, [.. Enumerable.Repeat(10L, 8)], 10));

        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], plan.Layers);
        Assert.Equal([50, 50], plan.Used);
    }

    [Fact]
    public void Create_MoreFreeMemory_GetsMoreLayers()
    {
        var plan = DevicePlan.Create(Rooms(Room, 3 * Room), new(0, [.. Enumerable.Repeat(10L, 40)], 0));

        Assert.Equal([100, 300], plan.Used);
    }

    [Fact]
    public void Create_HeavyTower_LeavesTheFirstDeviceToIt()
    {
        var plan = DevicePlan.Create(Rooms(Room, Room, Room), new(800, [.. Enumerable.Repeat(100L, 8)], 0));

        Assert.Equal([1, 1, 1, 1, 2, 2, 2, 2], plan.Layers);
        Assert.Equal([800, 400, 400], plan.Used);
    }

    [Fact]
    public void Create_LastProjection_LiesWithTheLastLayer()
    {
        var plan = DevicePlan.Create(Rooms(Room, Room), new(0, [100, 100, 100, 100], 300));

        Assert.Equal([0, 0, 0, 1], plan.Layers);
        Assert.Equal([300, 400], plan.Used);
    }

    [Fact]
    public void Create_MoreDevicesThanLayers_LeavesSomeEmpty()
    {
        var plan = DevicePlan.Create(Rooms(Room, Room, Room, Room), new(10, [10, 10], 10));

        Assert.Equal(40, plan.Used.Sum());
        Assert.Contains(0, plan.Used);
    }

    [Fact]
    public void Create_OneDevice_GetsAll() => Assert.Equal([0, 0, 0], DevicePlan.Create(Rooms(Room), new(10, [10, 10, 10], 10)).Layers);

    [Fact]
    public void Create_TooLittleMemory_SaysHowMuchIsMissing()
    {
        // each device takes four layers of 200: of 2000 in ten layers, two find no place
        var error = Assert.Throws<DeviceMemoryException>(() => DevicePlan.Create(Rooms(1_000_000_000, 1_000_000_000), new(0, [.. Enumerable.Repeat(200_000_000L, 10)], 0)));

        Assert.Equal(400_000_000, error.Missing);
        Assert.Contains("2.00 GB", error.Message);
        Assert.Contains("0.40 GB find no place", error.Message);
        Assert.Contains("1.00 GB on cuda:0", error.Message);
    }

    [Fact]
    public void Create_WholeLayersDoNotFit_IsRefusedThoughTheSumWould()
    {
        var error = Assert.Throws<DeviceMemoryException>(() => DevicePlan.Create(Rooms(Room, Room), new(0, [500, 500, 500], 0)));

        Assert.Equal(500, error.Missing);
    }

    [Fact]
    public void Create_FirstDeviceTooSmall_SaysWhatLiesThere()
    {
        var error = Assert.Throws<DeviceMemoryException>(() => DevicePlan.Create(Rooms(100, Room), new(200, [10], 0)));

        Assert.Equal(110, error.Missing);
        Assert.Contains("cuda:0", error.Message);
        Assert.Contains("vision tower", error.Message);
    }

    [Fact]
    public void Create_AnySizes_IsTheBestOfAllDivisions()
    {
        var random = new Random(1);
        var refused = 0;
        for (var trial = 0; trial < 400; trial++)
        {
            var rooms = Rooms([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.NextInt64(1, 400))]);
            var sizes = new PartSizes(random.NextInt64(60), [.. Enumerable.Range(0, random.Next(1, 7)).Select(_ => random.NextInt64(1, 60))], random.NextInt64(60));
            var best = Divisions(sizes.Layers.Count, rooms.Count).Select(layers => Cost(layers, rooms, sizes)).Min();
            if (double.IsPositiveInfinity(best))
            {
                Assert.InRange(Assert.Throws<DeviceMemoryException>(() => DevicePlan.Create(rooms, sizes)).Missing, 1, sizes.Total);
                refused++;
                continue;
            }
            var plan = DevicePlan.Create(rooms, sizes);
            Assert.Equal(best, Cost([.. plan.Layers], rooms, sizes), 9);
            Assert.Equal(sizes.Total, plan.Used.Sum());
        }
        Assert.InRange(refused, 20, 380);
    }

    [Theory]
    [InlineData("model.layers.17.self_attn.q_proj.weight", 17, false)]
    [InlineData("transformer.blocks.3.norm_1.weight", 3, false)]
    [InlineData("model.layers.2", 2, false)]
    [InlineData("model.norm.weight", null, true)]
    [InlineData("transformer.norm_f.weight", null, true)]
    [InlineData("lm_head.weight", null, true)]
    [InlineData("lm_head", null, true)]
    [InlineData("model.embed_tokens.weight", null, false)]
    [InlineData("model.normal.weight", null, false)]
    [InlineData("model.mm_projector.0.weight", null, false)]
    [InlineData("model.vision_tower.vision_tower.vision_model.encoder.layers.3.mlp.fc1.weight", null, false)]
    [InlineData("vision_model.encoder.layers.3.mlp.fc1.weight", null, false)]
    [InlineData("model.layers.x.weight", null, false)]
    public void LayerPosition_OfNames_IsTheirsInTheOrder(string name, int? layer, bool isEnd) => Assert.Equal(new LayerPosition(layer, isEnd), LayerPosition.Of(name));

    private static IReadOnlyList<DeviceRoom> Rooms(params long[] free) => [.. free.Select((bytes, i) => new DeviceRoom($"cuda:{i}", bytes))];

    // all ways to give layers to devices in order
    private static IEnumerable<int[]> Divisions(int layers, int devices) => layers == 0
        ? [[]]
        : Divisions(layers - 1, devices).SelectMany(before => Enumerable.Range(before.Length == 0 ? 0 : before[^1], devices - (before.Length == 0 ? 0 : before[^1])).Select(next => (int[])[.. before, next]));

    private static double Cost(int[] layers, IReadOnlyList<DeviceRoom> rooms, PartSizes sizes)
    {
        var used = new long[rooms.Count];
        used[0] += sizes.Beginning;
        for (var i = 0; i < layers.Length; i++)
            used[layers[i]] += sizes.Layers[i];
        used[layers[^1]] += sizes.End;
        var cost = 0.0;
        for (var i = 0; i < used.Length; i++)
        {
            var room = (long)(DevicePlan.ShareForWeights * rooms[i].Free);
            cost += used[i] > room ? double.PositiveInfinity : used[i] == 0 ? 0 : (double)used[i] * used[i] / room;
        }
        return cost;
    }
}
