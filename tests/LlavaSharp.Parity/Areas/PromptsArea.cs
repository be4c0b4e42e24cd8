using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp.Parity.Areas;

/// <summary>Conversation templates, their prompts and pictures, model names, and the keyword stop test.</summary>
public sealed class PromptsArea : IParityArea
{
    // The pictures inside messages are 8x6 RGB, as the README says.
    private static readonly Image MessagePicture = Image.FromRgb(8, 6, new byte[8 * 6 * 3]);

    public string Name => "prompts";

    public void Check(AreaRun run)
    {
        Rows(run, "templates.jsonl", CheckTemplate);
        if (run.Has("templates.jsonl"))
            run.Case("templates.jsonl:names", c => CheckOrder(c, [.. run.Rows("templates.jsonl").Select(row => row.Row.GetProperty("key").GetString()!)]));
        if (run.Has("default.json"))
            run.Case("default.json", c => CheckDefault(c, run.Json("default.json")));
        Rows(run, "renders.jsonl", CheckRender);
        Rows(run, "conversation_dict.jsonl", CheckDictionary);
        Rows(run, "process_image.jsonl", CheckProcessImage);
        if (run.Has("model_names.json"))
        {
            var number = 0;
            foreach (var row in run.Json("model_names.json").EnumerateArray())
                run.Case($"model_names.json:{number++}", c => CheckModelName(c, row));
        }
        var tokenizers = new Lazy<GoldenTokenizers>(() => new GoldenTokenizers(run.Root));
        Rows(run, "stopping.jsonl", (c, row) => CheckStopping(c, row, tokenizers.Value));
    }

    private static void Rows(AreaRun run, string file, Action<Comparison, JsonElement> check)
    {
        if (!run.Has(file))
            return;
        foreach (var (line, row) in run.Rows(file))
            run.Case($"{file}:{line}", c => check(c, row));
    }

    // a copy may hold fewer rows, but they come in the product's order and none comes twice
    private static void CheckOrder(Comparison c, string[] keys) => c.Sequence("keys", keys, ConversationTemplates.Names.Where(keys.Contains));

    private static void CheckTemplate(Comparison c, JsonElement row)
    {
        var template = ConversationTemplates.Get(row.GetProperty("key").GetString()!);
        JsonObject actual = new() { ["key"] = row.GetProperty("key").GetString() };
        foreach (var (key, value) in Describe(template))
            actual[key] = value?.DeepClone();
        c.Fields(row, [.. actual.Select(pair => pair.Key)]);
        foreach (var (key, value) in actual)
            c.Equal(key, row.TryGetProperty(key, out var expected) ? Normal(expected) : "(absent)", JsonSerializer.Serialize(value));
    }

    private static JsonObject Describe(Conversation conversation) => new()
    {
        ["system"] = conversation.System,
        ["roles"] = new JsonArray([.. conversation.Roles.Select(role => (JsonNode)role)]),
        ["messages"] = new JsonArray([.. conversation.Messages.Select(message => (JsonNode)new JsonArray(message.Role, message.Text))]),
        ["offset"] = conversation.Offset,
        ["sep_style"] = SeparatorStyles.ToName(conversation.SeparatorStyle),
        ["sep"] = conversation.Separator,
        ["sep2"] = conversation.Separator2,
        ["version"] = conversation.Version,
        ["skip_next"] = conversation.SkipNext,
    };

    private static void CheckDefault(Comparison c, JsonElement root)
    {
        c.Fields(root, "default_conversation", "same_object");
        var expected = Normal(Describe(ConversationTemplates.Default));
        c.Sequence("default_conversation",
            root.GetProperty("default_conversation").EnumerateArray().Select(name => name.GetString()),
            ConversationTemplates.Names.Where(name => Normal(Describe(ConversationTemplates.Get(name))) == expected));
        c.Equal("default name is among them", true, root.GetProperty("default_conversation").EnumerateArray().Any(name => name.GetString() == ConversationTemplates.DefaultName));
    }

    private static void CheckRender(Comparison c, JsonElement row)
    {
        c.Fields(row, "template", "custom", "case", "messages", "prompt", "prompt_after_untouched_template", "prompt_sha256", "error");
        string Render() => Converse(c, row).GetPrompt();
        if (c.ErrorRow(row, () => Render()))
            return;
        var prompt = Render();
        var compared = false;
        if (row.TryGetProperty("prompt", out var whole))
        {
            c.Equal("prompt", whole.GetString(), prompt);
            compared = true;
        }
        if (row.TryGetProperty("prompt_after_untouched_template", out var after))
        {
            var untouched = ConversationTemplates.Get(row.GetProperty("template").GetString()!).GetPrompt();
            c.Equal("the prompt begins with the untouched template's", true, prompt.StartsWith(untouched, StringComparison.Ordinal));
            c.Equal("prompt_after_untouched_template", after.GetString(), prompt[Math.Min(untouched.Length, prompt.Length)..]);
            compared = true;
        }
        if (row.TryGetProperty("prompt_sha256", out var hash))
        {
            c.Equal("prompt_sha256", hash.GetString(), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(prompt))));
            compared = true;
        }
        if (!compared)
            c.Fail("the row records no prompt");
    }

    private static Conversation Converse(Comparison c, JsonElement row)
    {
        Conversation conversation;
        if (row.TryGetProperty("custom", out var custom))
        {
            c.Fields(custom, "sep_style", "sep", "sep2", "system", "roles", "version", "offset");
            conversation = new Conversation(
                SeparatorStyles.FromName(custom.GetProperty("sep_style").GetString()!),
                custom.GetProperty("sep").GetString()!,
                [.. custom.GetProperty("roles").EnumerateArray().Select(role => role.GetString()!)])
            {
                System = custom.GetProperty("system").GetString()!,
                Separator2 = custom.GetProperty("sep2").GetString(),
                Version = custom.GetProperty("version").GetString()!,
                Offset = custom.TryGetProperty("offset", out var offset) ? offset.GetInt32() : 0,
            };
        }
        else
            conversation = ConversationTemplates.Get(row.GetProperty("template").GetString()!);
        foreach (var message in row.GetProperty("messages").EnumerateArray())
        {
            c.Fields(message, "role", "text", "image_mode");
            var role = conversation.Roles[message.GetProperty("role").GetInt32()];
            var text = message.GetProperty("text").GetString();
            if (message.TryGetProperty("image_mode", out var mode))
                conversation.Append(role, text!, MessagePicture, mode.GetString()!);
            else
                conversation.Append(role, text);
        }
        return conversation;
    }

    private static void CheckDictionary(Comparison c, JsonElement row)
    {
        c.Fields(row, "template", "custom", "case", "messages", "dict_keys", "dict", "dict_messages_from_offset", "get_images", "get_images_pil_sizes", "gradio", "error");
        if (c.ErrorRow(row, () => { var failing = Converse(c, row); failing.ToDictionary(); failing.GetImages(); }))
            return;
        var conversation = Converse(c, row);
        var dictionary = conversation.ToDictionary();
        c.Sequence("dict_keys", row.GetProperty("dict_keys").EnumerateArray().Select(key => key.GetString()), dictionary.Select(pair => pair.Key));

        var expected = JsonNode.Parse(row.GetProperty("dict").GetRawText())!.AsObject();
        // The recorded system text may be a note that it is the template's; the templates' own rows check it.
        dictionary.Remove("system");
        expected.Remove("system");
        if (row.GetProperty("dict_messages_from_offset").GetBoolean())
            dictionary["messages"] = new JsonArray([.. dictionary["messages"]!.AsArray().Skip(conversation.Offset).Select(message => message!.DeepClone())]);
        c.Equal("dict", Normal(expected), Normal(dictionary));

        var pictures = conversation.GetImages();
        c.Equal("get_images_pil_sizes", row.GetProperty("get_images_pil_sizes").GetRawText().Replace(" ", "", StringComparison.Ordinal),
            JsonSerializer.Serialize(pictures.Select(picture => new[] { picture.Width, picture.Height })));
        var files = conversation.GetImagesAsBase64().Select(text => Convert.FromBase64String(text)).ToArray();
        c.Equal("number of get_images", row.GetProperty("get_images").GetArrayLength(), files.Length);
        foreach (var (picture, file) in row.GetProperty("get_images").EnumerateArray().Zip(files))
        {
            c.Fields(picture, "format", "size", "mode");
            c.Equal("format", picture.GetProperty("format").GetString(), file.AsSpan(1).StartsWith("PNG\r\n"u8) ? "PNG" : "?");
            var decoded = Image.FromBytes(file);
            c.Equal("size", picture.GetProperty("size").GetRawText().Replace(" ", "", StringComparison.Ordinal), $"[{decoded.Width},{decoded.Height}]");
            // Byte 25 of a PNG file is its colour type: 2 is RGB.
            c.Equal("mode", picture.GetProperty("mode").GetString(), file[25] == 2 ? "RGB" : $"colour type {file[25]}");
        }
    }

    private static void CheckProcessImage(Comparison c, JsonElement row)
    {
        c.Fields(row, "size", "image_kind", "mode", "out_size", "out_mode", "corner", "error");
        int width = row.GetProperty("size")[0].GetInt32(), height = row.GetProperty("size")[1].GetInt32();
        var mode = row.GetProperty("mode").GetString()!;
        Func<RawImage> process;
        if (row.TryGetProperty("image_kind", out var kind))
        {
            var stored = Enum.GetValues<RawMode>().Single(value => new RawImage(value, 1, 1, []).ModeName == kind.GetString());
            process = () => ConversationImage.Process(
                new RawImage(stored, width, height, new byte[width * height * RawImage.BytesOf(stored)], stored == RawMode.Palette ? new byte[768] : null), mode);
        }
        else
            process = () =>
            {
                var result = ConversationImage.Process(Uniform(width, height, 200, 100, 50), mode);
                return new RawImage(RawMode.Rgb, result.Width, result.Height, result.Rgb.ToArray());
            };
        if (c.ErrorRow(row, () => process()))
            return;
        var processed = process();
        c.Sequence("out_size", Integers(row.GetProperty("out_size")), [processed.Width, processed.Height]);
        c.Equal("out_mode", row.GetProperty("out_mode").GetString(), processed.ModeName);
        var corner = row.GetProperty("corner");
        c.Sequence("corner", corner.ValueKind == JsonValueKind.Array ? Integers(corner) : [corner.GetInt32()], processed.PixelAt(0, 0).ToArray().Select(value => (int)value));
    }

    // A picture in one colour, as the README says.
    private static Image Uniform(int width, int height, params ReadOnlySpan<byte> colour)
    {
        var rgb = new byte[3 * width * height];
        for (var i = 0; i < rgb.Length; i += 3)
            colour.CopyTo(rgb.AsSpan(i));
        return Image.FromRgb(width, height, rgb);
    }

    private static void CheckModelName(Comparison c, JsonElement row)
    {
        c.Fields(row, "path", "name", "error");
        var path = row.GetProperty("path").GetString()!;
        if (!c.ErrorRow(row, () => ModelNames.FromPath(path)))
            c.Equal("name", row.GetProperty("name").GetString(), ModelNames.FromPath(path));
    }

    private static void CheckStopping(Comparison c, JsonElement row, GoldenTokenizers tokenizers)
    {
        c.Fields(row, "tokenizer", "keywords", "keyword_ids", "prompt_ids", "new_ids", "output_holds_prompt", "stop_after_n_new", "batch", "stop", "error");
        var tokenizer = tokenizers[row.GetProperty("tokenizer").GetString()!];
        var prompt = Integers(row.GetProperty("prompt_ids"));
        KeywordStoppingCriteria Criteria() => new(row.GetProperty("keywords").EnumerateArray().Select(word => word.GetString()!), tokenizer, prompt.Length);
        if (c.ErrorRow(row, () => Criteria()))
            return;
        var criteria = Criteria();
        if (row.TryGetProperty("keyword_ids", out var keywords))
            c.Equal("keyword_ids", Normal(keywords), JsonSerializer.Serialize(criteria.KeywordIds));
        if (row.TryGetProperty("batch", out var batch))
        {
            c.Equal("stop", row.GetProperty("stop").GetBoolean(), criteria.ShouldStop(batch.EnumerateArray().Select(Integers)));
            return;
        }
        var added = Integers(row.GetProperty("new_ids"));
        int[] before = row.GetProperty("output_holds_prompt").GetBoolean() ? prompt : [];
        var answers = row.GetProperty("stop_after_n_new");
        c.Equal("number of answers", added.Length + 1, answers.GetArrayLength());
        for (var n = 0; n <= added.Length; n++)
        {
            int[] ids = [.. before, .. added[..n]];
            if (ids.Length == 0)
                c.Equal($"stop_after_n_new[{n}] of nothing", JsonValueKind.Null, answers[n].ValueKind);
            else
                c.Equal($"stop_after_n_new[{n}]", answers[n].GetBoolean(), criteria.ShouldStop(ids));
        }
    }

    private static int[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetInt32())];

    // One spelling for equal JSON, with the keys in their order.
    private static string Normal(JsonElement value) => JsonSerializer.Serialize(value);

    private static string Normal(JsonNode value) => JsonSerializer.Serialize(value);
}
