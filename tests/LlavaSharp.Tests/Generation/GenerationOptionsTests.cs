using System.Text;
using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public class GenerationOptionsTests
{
    [Fact]
    public void Resolve_NothingGiven_TakesTheOriginalsValues()
    {
        var settings = new GenerationOptions().Resolve();
        Assert.Equal((512, 0.2, 1.0, 50, 1.0, 1), (settings.MaxNewTokens, settings.Temperature, settings.TopP, settings.TopK, settings.RepetitionPenalty, settings.NumBeams));
        Assert.True(settings.DoSample);
        Assert.False((new GenerationOptions { Temperature = 0 }).DoSample);
    }

    [Fact]
    public void Resolve_CheckpointSaysOtherwise_FillsOnlyWhatIsNull()
    {
        var checkpoint = Parse("""{"temperature": 0.9, "top_p": 0.6, "top_k": 7, "repetition_penalty": 1.3}""");
        var settings = new GenerationOptions().Resolve(checkpoint);
        Assert.Equal((0.2, 1.0, 7, 1.3), (settings.Temperature, settings.TopP, settings.TopK, settings.RepetitionPenalty));
        Assert.Equal(0.6, new GenerationOptions { UseCheckpointTopP = true }.Resolve(checkpoint).TopP);
        settings = new GenerationOptions { TopP = 0.5, UseCheckpointTopP = true, TopK = 0, RepetitionPenalty = 1 }.Resolve(checkpoint);
        Assert.Equal((0.5, 0, 1.0), (settings.TopP, settings.TopK, settings.RepetitionPenalty));
    }

    public static TheoryData<GenerationOptions> Wrong => new()
    {
        new GenerationOptions { MaxNewTokens = -1 },
        new GenerationOptions { Temperature = -0.1 },
        new GenerationOptions { Temperature = double.NaN },
        new GenerationOptions { Temperature = double.PositiveInfinity },
        new GenerationOptions { TopP = 1.1 },
        new GenerationOptions { TopP = double.NaN },
        new GenerationOptions { TopK = -1 },
        new GenerationOptions { RepetitionPenalty = 0 },
        new GenerationOptions { NumBeams = 0 },
        new GenerationOptions { StopStrings = ["###", ""] },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void Resolve_ValueOutOfRange_Throws(GenerationOptions options) => Assert.Throws<GenerationException>(() => options.Resolve());

    [Fact]
    public void Parse_PublishedFile_ReadsEveryField()
    {
        var defaults = Parse("""{"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "max_length": 4096, "temperature": 0.9, "top_p": 0.6, "transformers_version": "4.31.0"}""");
        Assert.Equal((1, 0, 4096, 0.9, 0.6), (defaults.BeginningOfSequenceId, defaults.PaddingId, defaults.MaxLength, defaults.Temperature, defaults.TopP));
        Assert.Equal([2], defaults.EndOfSequenceIds);
        Assert.Null(defaults.TopK);
    }

    [Fact]
    public void Parse_ListOfEndsAndNulls_FollowTheLibrary()
    {
        var defaults = Parse("\uFEFF" + """{"eos_token_id": [2, 32000.0], "pad_token_id": -1, "top_k": null, "top_p": null, "temperature": null, "bos_token_id": null}""");
        Assert.Equal([2, 32000], defaults.EndOfSequenceIds);
        Assert.Equal((0, 1.0, 1.0), (defaults.TopK, defaults.TopP, defaults.Temperature));
        Assert.Null(defaults.PaddingId);
        Assert.Null(defaults.BeginningOfSequenceId);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"top_k": "50"}""")]
    [InlineData("""{"top_k": 1.5}""")]
    [InlineData("""{"top_k": 1e40}""")]
    [InlineData("""{"top_p": 2}""")]
    [InlineData("""{"temperature": -1}""")]
    [InlineData("""{"temperature": 1e999}""")]
    [InlineData("""{"repetition_penalty": 0}""")]
    [InlineData("""{"eos_token_id": [2, null]}""")]
    [InlineData("""{"eos_token_id": -5}""")]
    public void Parse_WrongFile_NamesTheFile(string json) =>
        Assert.Equal("generation_config.json", Assert.Throws<CheckpointException>(() => Parse(json)).File);

    [Fact]
    public void Load_Folder_ReadsTheFileOrNone()
    {
        var folder = Directory.CreateTempSubdirectory("generation").FullName;
        try
        {
            Assert.Equal(GenerationDefaults.None, GenerationDefaults.Load(folder));
            Assert.Equal(GenerationDefaults.None, GenerationDefaults.Load(Path.Combine(folder, "absent")));
            var file = Path.Combine(folder, GenerationDefaults.FileName);
            File.WriteAllText(file, """{"top_k": 3}""");
            Assert.Equal(3, GenerationDefaults.Load(folder).TopK);
            File.WriteAllBytes(file, new byte[(1 << 20) + 1]);
            Assert.Equal(file, Assert.Throws<CheckpointException>(() => GenerationDefaults.Load(folder)).File);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Parse_MutatedFiles_OnlyTypedErrors()
    {
        var seed = Encoding.UTF8.GetBytes("""{"bos_token_id": 1, "eos_token_id": [2, 3], "pad_token_id": 0, "max_length": 4096, "temperature": 0.9, "top_p": 0.6, "top_k": 50, "x": {"y": [null, true]}}""");
        var random = new Random(11);
        var errors = 0;
        for (var round = 0; round < 5000; round++)
        {
            var bytes = seed.ToList();
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                var at = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0: bytes[at] = (byte)random.Next(256); break;
                    case 1: bytes.RemoveAt(at); break;
                    case 2: bytes.InsertRange(at, seed.Skip(random.Next(seed.Length)).Take(random.Next(20))); break;
                    default: bytes[at] = (byte)"0123456789-e[]{}\",:"[random.Next(19)]; break;
                }
            }
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                GenerationDefaults.Parse(bytes.ToArray());
            }
            catch (LlavaException)
            {
                errors++;
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10 * bytes.Count + (64 << 20));
        }
        Assert.InRange(errors, 1000, 4999);
    }

    private static GenerationDefaults Parse(string json) => GenerationDefaults.Parse(Encoding.UTF8.GetBytes(json));
}
