using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp.Serving.Upstream;

/// <summary>Turns a finished prompt with pictures back into the messages from which a server of OpenAI's interface writes the same prompt.</summary>
internal static class UpstreamMessages
{
    // servers write this in front of a turn for each of its pictures, wherever these stand among its parts
    private const string Announcement = LlavaConstants.ImageToken + "\n";

    /// <summary>The messages.</summary>
    /// <param name="prompt">The prompt, a marker in it for each picture.</param>
    /// <param name="pictures">The pictures, in the order of their markers.</param>
    /// <param name="template">The template that wrote the prompt.</param>
    /// <exception cref="PromptException">The template, given these messages, would write another prompt.</exception>
    public static JsonArray Read(string prompt, IReadOnlyList<Image> pictures, string template)
    {
        var conversation = PromptReader.Read(prompt, template);
        var messages = new JsonArray();
        var system = ConversationText.GetSystem(conversation);
        // where the template has a text of its own, none must be said, too
        if (system.Length > 0 || ConversationTemplates.Get(template).System.Length > 0)
            messages.Add((JsonNode)new JsonObject { ["role"] = "system", ["content"] = system });
        var written = ConversationTemplates.Get(template);
        ConversationText.SetSystem(written, system);
        var used = 0;
        for (var i = 0; i < conversation.Messages.Count - 1; i++)
        {
            var text = conversation.Messages[i].Text!;
            var parts = new JsonArray();
            var rest = text;
            for (; i % 2 == 0 && rest.StartsWith(Announcement, StringComparison.Ordinal) && used < pictures.Count; rest = rest[Announcement.Length..])
                parts.Add((JsonNode)new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = $"data:image/png;base64,{Convert.ToBase64String(pictures[used++].EncodePng())}" } });
            if (rest.Contains(LlavaConstants.ImageToken, StringComparison.Ordinal))
                throw new PromptException($"In turn {i + 1} of the prompt a picture stands elsewhere than in front of a question: as messages it would be written in another place. Put '<image>' and a line feed in front of the question.", i);
            if (parts.Count > 0 && rest.Length > 0)
                parts.Add((JsonNode)new JsonObject { ["type"] = "text", ["text"] = rest });
            messages.Add((JsonNode)new JsonObject { ["role"] = i % 2 == 0 ? "user" : "assistant", ["content"] = parts.Count > 0 ? parts : rest });
            written.Append(written.Roles[i % 2], string.Concat(Enumerable.Repeat(Announcement, parts.Count(part => part!["type"]!.GetValue<string>() == "image_url"))) + rest);
        }
        written.Append(written.Roles[1], null);
        return used == pictures.Count && written.GetPrompt() == prompt
            ? messages : throw new PromptException($"Messages from which the template '{template}' writes exactly this prompt cannot be found. Name the template that clients use (--conv-mode).");
    }
}
