using System.Text.Json;
using LlavaSharp.Data.Synth;
using LlavaSharp.Imaging;

namespace LlavaSharp.Data.Tests.Synth;

public sealed class SynthWriterTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "synth-" + Guid.NewGuid().ToString("N"));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Write_Defaults_IsLlavaFormatWithItsPictures()
    {
        var result = Write(_folder, 5, 60, Small);
        var generator = new SynthConversationGenerator(5, Small.Conversations);
        using var list = JsonDocument.Parse(File.ReadAllBytes(result.DatasetFile));
        Assert.Equal(60, list.RootElement.GetArrayLength());
        Assert.Equal("synth.json", Path.GetFileName(result.DatasetFile));
        var endings = new HashSet<string>();
        for (var i = 0; i < 60; i++)
        {
            var row = list.RootElement[i];
            var expected = generator.Create(i);
            Assert.Equal($"synth-5-{i:D8}", row.GetProperty("id").GetString());
            Assert.Equal(expected.HasPicture, row.TryGetProperty("image", out var image));
            var messages = row.GetProperty("conversations").EnumerateArray().ToArray();
            Assert.Equal(2 * expected.Turns.Count, messages.Length);
            for (var turn = 0; turn < expected.Turns.Count; turn++)
            {
                var marker = turn == 0 && expected.HasPicture ? "<image>\n" : "";
                Assert.Equal("human", messages[2 * turn].GetProperty("from").GetString());
                Assert.Equal(marker + expected.Turns[turn].Text, messages[2 * turn].GetProperty("value").GetString());
                Assert.Equal("gpt", messages[2 * turn + 1].GetProperty("from").GetString());
                Assert.Equal(expected.Turns[turn].Answer, messages[2 * turn + 1].GetProperty("value").GetString());
            }
            if (!expected.HasPicture)
                continue;
            var file = Path.Combine(_folder, image.GetString()!);
            endings.Add(Path.GetExtension(file));
            var drawn = expected.Draw()!;
            var read = Image.FromBytes(File.ReadAllBytes(file));
            Assert.Equal((drawn.Width, drawn.Height), (read.Width, read.Height));
            if (file.EndsWith(".png"))
                Assert.Equal(drawn.Rgb, read.Rgb.ToArray());
        }
        Assert.Equal([".jpg", ".png"], endings.Order());
        Assert.DoesNotContain(Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories), file => file.Contains(".tmp"));
        Assert.Equal(result.Pictures, Directory.GetFiles(Path.Combine(_folder, "images")).Length);
    }

    [Fact]
    public void Write_Questions_OneALineForEveryPicture()
    {
        var result = Write(_folder, 6, 30, Small);
        var lines = File.ReadAllLines(result.QuestionsFile);
        Assert.Equal(result.Questions, lines.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            using var row = JsonDocument.Parse(lines[i]);
            Assert.Equal(["question_id", "image", "text", "category", "answer"], row.RootElement.EnumerateObject().Select(property => property.Name));
            Assert.Equal(i, row.RootElement.GetProperty("question_id").GetInt32());
            Assert.True(File.Exists(Path.Combine(_folder, row.RootElement.GetProperty("image").GetString()!)));
            SynthCategories.Parse(row.RootElement.GetProperty("category").GetString()!);
        }
    }

    [Fact]
    public void Write_MoreThreadsOrInParts_SameFiles()
    {
        var one = Path.Combine(_folder, "one");
        var four = Path.Combine(_folder, "four");
        var part = Path.Combine(_folder, "part");
        Write(one, 7, 20, Small with { Threads = 1 });
        Write(four, 7, 20, Small with { Threads = 4 });
        Write(part, 7, 5, Small with { FirstIndex = 15 });
        var names = Files(one);
        Assert.Equal(names, Files(four));
        Assert.All(names, name => Assert.Equal(File.ReadAllBytes(Path.Combine(one, name)), File.ReadAllBytes(Path.Combine(four, name))));
        Assert.All(Files(part).Where(name => name.StartsWith("images")), name => Assert.Equal(File.ReadAllBytes(Path.Combine(one, name)), File.ReadAllBytes(Path.Combine(part, name))));
    }

    [Theory]
    [InlineData(SynthPictureFormat.Png, ".png")]
    [InlineData(SynthPictureFormat.Jpeg, ".jpg")]
    public void Write_OneFormat_OnlyThat(SynthPictureFormat format, string ending)
    {
        Write(_folder, 8, 10, Small with { Format = format });
        Assert.All(Directory.GetFiles(Path.Combine(_folder, "images")), file => Assert.EndsWith(ending, file));
    }

    [Fact]
    public void Write_Nothing_IsAnEmptyList()
    {
        var result = Write(_folder, 8, 0);
        Assert.Equal("[]", File.ReadAllText(result.DatasetFile));
        Assert.Equal("", File.ReadAllText(result.QuestionsFile));
    }

    [Fact]
    public void Write_FolderIsAFile_TypedError()
    {
        Directory.CreateDirectory(_folder);
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.Contains(file, Assert.Throws<LlavaException>(() => Write(file, 1, 3)).Message);
        Assert.Throws<LlavaException>(() => Write(_folder, 1, -3));
    }

    [Fact]
    public void Write_Cancelled_LeavesNoLists()
    {
        using var source = new CancellationTokenSource();
        var options = Small with { Progress = done => source.Cancel(), Threads = 1 };
        Assert.ThrowsAny<OperationCanceledException>(() => SynthWriter.Write(_folder, 1, 50, options, source.Token));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    private static SynthWriterOptions Small { get; } = new() { Conversations = new() { Scenes = SynthSceneOptions.Training } };

    private static SynthWriteResult Write(string folder, long seed, int count, SynthWriterOptions? options = null) =>
        SynthWriter.Write(folder, seed, count, options, TestContext.Current.CancellationToken);

    private static string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order()];
}
