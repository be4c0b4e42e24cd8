using System.Text;
using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Checkpoints;

public class FuzzTests
{
    private const int Runs = 5000;

    [Fact]
    public void Safetensors_Mutated_GivesTypedErrorsOnly()
    {
        var seed = SafetensorsFileTests.Bytes(
            """{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[4,2],"data_offsets":[0,16]},"model.norm.weight":{"dtype":"BF16","shape":[8],"data_offsets":[16,32]},"c":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}""",
            new byte[40]);
        Fuzz(seed, seed.Length - 40, 1, bytes =>
        {
            using var file = SafetensorsFile.Open(new PinnedMemory(bytes));
            Touch(file);
        });
    }

    [Fact]
    public void TorchFile_Mutated_GivesTypedErrorsOnly()
    {
        using var temporary = new TemporaryFolder();
        var path = temporary.At("seed.bin");
        TorchFileWriter.Write(path, [TensorToWrite.FromSingles("a.weight", [2, 3], new float[6]), TensorToWrite.FromSingles("b", [4], new float[4])]);
        Fuzz(File.ReadAllBytes(path), int.MaxValue, 2, bytes =>
        {
            using var file = TorchFile.Open(new PinnedMemory(bytes));
            Touch(file);
        });
    }

    [Fact]
    public void TorchFile_MutatedPickle_GivesTypedErrorsOnly()
    {
        // mutated before it is packed, so that the archive around it stays sound
        var pickle = TorchArchive.OneTensor(6, 0, (3, 2), (2, 1));
        Fuzz(pickle, int.MaxValue, 3, bytes =>
        {
            using var file = TorchFile.Open(new PinnedMemory(TorchArchive.With(bytes, entries: ("data/0", new byte[24]))));
            Touch(file);
        });
    }

    [Fact]
    public void Config_Mutated_GivesTypedErrorsOnly()
    {
        var llava = File.ReadAllBytes(TestFiles.Golden("checkpoints", "llava-v1.6-vicuna-tiny", "config.json"));
        var mpt = File.ReadAllBytes(TestFiles.Golden("checkpoints", "llava-mpt-tiny", "config.json"));
        Fuzz(llava, int.MaxValue, 4, bytes => ExpectedTensors.For(LlavaConfig.Parse(bytes)));
        Fuzz(mpt, int.MaxValue, 5, bytes => ExpectedTensors.For(LlavaConfig.Parse(bytes)));
    }

    [Fact]
    public void HuggingFaceConfig_Mutated_GivesTypedErrorsOnly() =>
        Fuzz(File.ReadAllBytes(TestFiles.Golden("llava-hf", "llava-next-llama-newlayout", "config.json")), int.MaxValue, 11, bytes =>
        {
            var config = LlavaConfig.Parse(bytes);
            ExpectedTensors.For(config, config.VisionConfig);
        });

    [Fact]
    public void ClipConfig_Mutated_GivesTypedErrorsOnly() =>
        Fuzz(File.ReadAllBytes(TestFiles.Golden("checkpoints", "clip-vit-tiny-patch14-56", "config.json")), int.MaxValue, 6, bytes => ExpectedTensors.ForTower(ClipVisionConfig.Parse(bytes)));

    [Fact]
    public void Index_Mutated_GivesTypedErrorsOnly() =>
        Fuzz("""{"metadata": {"total_size": 476096}, "weight_map": {"model.norm.weight": "pytorch_model-00001-of-00002.bin", "lm_head.weight": "pytorch_model-00002-of-00002.bin"}}"""u8.ToArray(), int.MaxValue, 7,
            bytes => CheckpointIndex.Parse(bytes, "index.json"));

    [Fact]
    public void AdapterConfig_Mutated_GivesTypedErrorsOnly() =>
        Fuzz(File.ReadAllBytes(TestFiles.Golden("checkpoints", "llava-v1.5-tiny-lora", "adapter_config.json")), int.MaxValue, 8,
            bytes => new LoraAdapter("folder", ConfigFile.Parse(bytes, "adapter_config.json"), "adapter_config.json").Dispose());

    [Fact]
    public void Gguf_Mutated_GivesTypedErrorsOnly()
    {
        var seed = File.ReadAllBytes(TestFiles.Golden("gguf", "types.gguf"));
        Fuzz(seed, 1500, 9, bytes =>
        {
            using var file = GgufFile.Open(new PinnedMemory(bytes));
            foreach (var tensor in file.Tensors.Values)
            {
                for (var row = 0L; row < Math.Min(tensor.Rows, 4); row++)
                    tensor.Dequantize(row, new float[tensor.RowLength]);
            }
        });
    }

    [Fact]
    public void GgufCheckpoint_Mutated_GivesTypedErrorsOnly()
    {
        var seed = File.ReadAllBytes(TestFiles.Golden("gguf", "text-q4_k_m.gguf"));
        Fuzz(seed, 12_000, 10, bytes =>
        {
            using var model = GgufCheckpoint.Open(GgufFile.Open(new PinnedMemory(bytes)));
            GgufTokenizer.Read(model.File);
            if (model.Tensors.TryGetValue("model.layers.0.self_attn.k_proj.weight", out var keys) && keys.ElementCount < 1 << 20)
                keys.FindNonFinite();
        });
    }

    private static void Fuzz(byte[] seed, int span, int random, Action<byte[]> parse)
    {
        var mutator = new Mutator(random);
        var accepted = 0;
        for (var i = 0; i < Runs; i++)
        {
            var bytes = mutator.Mutate(seed, span);
            accepted += Bounded(bytes.Length, () => parse(bytes));
        }
        Assert.InRange(accepted, 1, Runs - 1); // some still open, some do not: the mutations are neither void nor all fatal
    }

    /// <summary>1 when the action succeeded, 0 when it raised a typed error; anything else, or too much memory, fails the test.</summary>
    private static int Bounded(long inputBytes, Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var done = 1;
        try
        {
            action();
        }
        catch (LlavaException)
        {
            done = 0;
        }
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10 * inputBytes + (64 << 20));
        return done;
    }

    private static void Touch(ITensorFile file)
    {
        foreach (var tensor in file.Tensors.Values)
        {
            tensor.FindNonFinite();
            tensor.WriteTo(Stream.Null);
            Assert.True(tensor.ByteLength >= 0);
        }
    }

    /// <summary>Flips bits, cuts, repeats, and swaps in numbers and words that parsers stumble over.</summary>
    private sealed class Mutator(int seed)
    {
        private static readonly byte[][] Words =
        [
            .. new[] { "0", "-1", "1e999", "9223372036854775807", "18446744073709551616", "null", "true", "[]", "{}", "\"\"", "\\ud800", "NaN", "[[[[[[[[", "\u0000", "é", "F64", "cos\nsystem\n", "R", "}", "(", "t", "2222" }
                .Select(Encoding.UTF8.GetBytes),
            [0xff, 0xff, 0xff, 0xff],
            [0xff, 0xff, 0xff, 0x7f],
            [0, 0, 0, 0],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ];

        private readonly Random _random = new(seed);

        public byte[] Mutate(byte[] seed, int span)
        {
            var bytes = new List<byte>(seed);
            for (var changes = _random.Next(1, 4); changes > 0; changes--)
                Change(bytes, Math.Min(span, bytes.Count));
            return [.. bytes];
        }

        private void Change(List<byte> bytes, int span)
        {
            if (span == 0)
                return;
            var at = _random.Next(span);
            switch (_random.Next(8))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, _random.Next(1, 40)));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, _random.Next(1, 60))));
                    break;
                case 4:
                    bytes.InsertRange(at, Words[_random.Next(Words.Length)]);
                    break;
                case 5:
                    Overwrite(bytes, at, Words[_random.Next(Words.Length)]);
                    break;
                case 6 when _random.Next(4) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    ReplaceNumber(bytes, at);
                    break;
            }
        }

        private void ReplaceNumber(List<byte> bytes, int at)
        {
            var start = bytes.FindIndex(at, value => value is >= (byte)'0' and <= (byte)'9');
            if (start < 0)
                return;
            var end = start;
            while (end < bytes.Count && bytes[end] is >= (byte)'0' and <= (byte)'9')
                end++;
            bytes.RemoveRange(start, end - start);
            bytes.InsertRange(start, Words[_random.Next(Words.Length)]);
        }

        private static void Overwrite(List<byte> bytes, int at, byte[] word)
        {
            for (var i = 0; i < word.Length && at + i < bytes.Count; i++)
                bytes[at + i] = word[i];
        }
    }
}
