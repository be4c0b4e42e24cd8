using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlavaSharp.Data.Synth;

/// <summary>Writes a data set of the synthetic world in LLaVA's format.</summary>
/// <remarks>
/// A folder gets <c>images/00000000.png</c> (or <c>.jpg</c>) and so on; <c>synth.json</c>, a list of <c>id</c>, <c>image</c> (relative to the folder; absent without a picture)
/// and <c>conversations</c> (<c>from</c> human or gpt, <c>value</c>; the first question begins with <c>&lt;image&gt;</c> and a line break); and <c>questions.jsonl</c>, one question a line
/// (<c>question_id</c>, <c>image</c>, <c>text</c>, <c>category</c>, <c>answer</c>), for pictures only. Every file is written to a temporary name and renamed; the lists come last.
/// </remarks>
public static class SynthWriter
{
    private const uint Stream = 4;
    private const int Block = 512;
    private const string ImageFolder = "images";

    private static readonly JsonWriterOptions _json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = false };

    /// <summary>Writes the conversations of a seed; the same arguments give the same files.</summary>
    /// <param name="folder">Where to; made if it is not there. Files of the same names are replaced.</param>
    /// <param name="seed">The seed of <see cref="SynthConversationGenerator"/>.</param>
    /// <param name="count">How many conversations.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops between pictures; the lists are then not written.</param>
    /// <exception cref="LlavaException">The count is negative, an option is outside its range, or a file cannot be written.</exception>
    public static SynthWriteResult Write(string folder, long seed, int count, SynthWriterOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (count < 0)
            throw new LlavaException($"Synthetic data: {count} conversations were asked for; the number must not be negative.");
        options ??= new();
        var generator = new SynthConversationGenerator(seed, options.Conversations);
        try
        {
            return Write(folder, seed, count, options, generator, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LlavaException($"Synthetic data cannot be written to {folder}: {error.Message}", error);
        }
    }

    private static SynthWriteResult Write(
        string folder, long seed, int count, SynthWriterOptions options, SynthConversationGenerator generator, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.Combine(folder, ImageFolder));
        var dataset = Path.Combine(folder, "synth.json");
        var questions = Path.Combine(folder, "questions.jsonl");
        var temporaryDataset = Temporary(dataset);
        var temporaryQuestions = Temporary(questions);
        int pictures = 0, questionCount = 0, done = 0;
        try
        {
            using (var datasetStream = File.Create(temporaryDataset))
            using (var questionStream = File.Create(temporaryQuestions))
            {
                using var list = new Utf8JsonWriter(datasetStream, _json);
                list.WriteStartArray();
                var block = new (SynthConversation Conversation, string? Image)[Math.Min(Block, count)];
                var parallel = new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = options.Threads > 0 ? options.Threads : Environment.ProcessorCount };
                for (var start = 0; start < count; start += Block)
                {
                    var length = Math.Min(Block, count - start);
                    var first = options.FirstIndex + start;
                    Run(parallel, length, i =>
                    {
                        var conversation = generator.Create(first + i);
                        block[i] = (conversation, WritePicture(folder, conversation, seed, first + i, options.Format));
                        options.Progress?.Invoke(Interlocked.Increment(ref done));
                    });
                    for (var i = 0; i < length; i++)
                    {
                        WriteConversation(list, $"synth-{seed}-{first + i:D8}", block[i].Conversation, block[i].Image);
                        if (block[i].Image is not { } image)
                            continue;
                        pictures++;
                        foreach (var turn in block[i].Conversation.Turns)
                            WriteQuestion(questionStream, questionCount++, image, turn);
                    }
                    list.Flush();
                }
                list.WriteEndArray();
            }
            File.Move(temporaryQuestions, questions, overwrite: true);
            File.Move(temporaryDataset, dataset, overwrite: true);
        }
        finally
        {
            File.Delete(temporaryDataset);
            File.Delete(temporaryQuestions);
        }
        return new(dataset, questions, count, pictures, questionCount);
    }

    private static void Run(ParallelOptions parallel, int length, Action<int> action)
    {
        try
        {
            Parallel.For(0, length, parallel, action);
        }
        catch (AggregateException error) when (error.InnerExceptions.FirstOrDefault(inner => inner is IOException or UnauthorizedAccessException) is { } first)
        {
            throw new IOException(first.Message, first);
        }
    }

    private static string? WritePicture(string folder, SynthConversation conversation, long seed, long index, SynthPictureFormat format)
    {
        if (conversation.Draw() is not { } picture)
            return null;
        var random = new SynthRandom(seed, index, Stream);
        var jpeg = format == SynthPictureFormat.Jpeg || (format == SynthPictureFormat.Mixed && random.Chance(0.5));
        var image = picture.ToImage();
        var encoded = jpeg ? image.EncodeJpeg(random.Between(85, 95)) : image.EncodePng();
        var name = $"{ImageFolder}/{index:D8}.{(jpeg ? "jpg" : "png")}";
        var path = Path.Combine(folder, name);
        var temporary = Temporary(path);
        try
        {
            File.WriteAllBytes(temporary, encoded);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
        return name;
    }

    private static void WriteConversation(Utf8JsonWriter json, string id, SynthConversation conversation, string? image)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        if (image is not null)
            json.WriteString("image", image);
        json.WriteStartArray("conversations");
        for (var turn = 0; turn < conversation.Turns.Count; turn++)
        {
            var marker = turn == 0 && image is not null ? "<image>\n" : "";
            WriteMessage(json, "human", marker + conversation.Turns[turn].Text);
            WriteMessage(json, "gpt", conversation.Turns[turn].Answer);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteMessage(Utf8JsonWriter json, string from, string value)
    {
        json.WriteStartObject();
        json.WriteString("from", from);
        json.WriteString("value", value);
        json.WriteEndObject();
    }

    private static void WriteQuestion(Stream stream, int id, string image, SynthQuestion question)
    {
        using (var json = new Utf8JsonWriter(stream, _json))
        {
            json.WriteStartObject();
            json.WriteNumber("question_id", id);
            json.WriteString("image", image);
            json.WriteString("text", question.Text);
            json.WriteString("category", SynthCategories.NameOf(question.Type));
            json.WriteString("answer", question.Answer);
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    }

    private static string Temporary(string path) => path + $".{Environment.ProcessId}.tmp";
}
