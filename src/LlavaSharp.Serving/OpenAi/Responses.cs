using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Serving.Hosting;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.OpenAi;

/// <summary><c>POST /v1/responses</c>: one answer to texts and pictures. Nothing is kept, so no response can be asked for again or gone on with.</summary>
internal sealed class Responses(ServedModels models, OpenAiOptions options)
{
    public async Task AnswerAsync(HttpContext context)
    {
        var request = await RequestObject.ReadAsync(context).ConfigureAwait(false);
        var model = OpenAiApi.Find(models, request);
        var streams = request.Flag("stream") ?? false;
        request.Object("stream_options")?.Ignore("include_obfuscation");
        if (request.List("tools") is { Count: > 0 })
            throw OpenAiException.Unsupported("tools", "Tools cannot be called here: use /v1/chat/completions.");
        if (request.Flag("background") ?? false)
            throw OpenAiException.Unsupported("background", "Nothing is kept here: answers cannot be asked for later.");
        if (request.List("include") is { Count: > 0 })
            throw OpenAiException.Unsupported("include", "Nothing can be included.");
        request.Refuse("is not supported: nothing is kept between requests", "previous_response_id", "conversation", "prompt");
        request.Refuse("is not supported", "reasoning", "max_tool_calls", "top_logprobs", "context_management");
        request.Ignore("user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "truncation", "tool_choice", "parallel_tool_calls");
        var instructions = request.Text("instructions");
        var sampling = SamplingParameters.Read(request, model.Engine.Model.Tokenizer.Count) with
        {
            MaxNewTokens = Math.Min(request.Integer("max_output_tokens", 1, int.MaxValue) ?? int.MaxValue, options.MaxTokens ?? int.MaxValue),
            Constraint = Format(request, model.Engine.Model),
        };
        var messages = await ResponseInput.ReadAsync(request, options, context.RequestAborted).ConfigureAwait(false);
        request.Finish();
        var (conversation, pictures) = await ChatRequests.ConversationAsync(model.Engine.Model, messages, instructions, new() { Pictures = options.Pictures }, context.RequestAborted).ConfigureAwait(false);
        var generation = GenerationRequest.For(conversation, pictures, sampling) with { Client = OpenAiApi.Client(context), Adapter = model.Adapter };
        var form = new ResponseForm(model.Name, options.Clock.GetUtcNow().ToUnixTimeSeconds(), instructions, sampling);
        var updates = model.Engine.GenerateAsync(generation, context.RequestAborted);
        if (streams)
            await StreamAsync(context, updates, form).ConfigureAwait(false);
        else
            await foreach (var update in updates.ConfigureAwait(false))
                if (update.Result is { } result)
                    await OpenAiReplies.WriteAsync(context, form.Whole(result)).ConfigureAwait(false);
    }

    private static async Task StreamAsync(HttpContext context, IAsyncEnumerable<GenerationUpdate> updates, ResponseForm form)
    {
        var (text, number) = ("", 0);
        await foreach (var update in updates.ConfigureAwait(false))
        {
            // errors of the request come before the first update, and have a status of their own
            if (!context.Response.HasStarted)
            {
                OpenAiReplies.BeginStream(context);
                await SendAsync("response.created", new() { ["response"] = form.Begun() }).ConfigureAwait(false);
                await SendAsync("response.in_progress", new() { ["response"] = form.Begun() }).ConfigureAwait(false);
                await SendAsync("response.output_item.added", new() { ["output_index"] = 0, ["item"] = form.Message(null, "in_progress") }).ConfigureAwait(false);
                await SendAsync("response.content_part.added", form.At(new() { ["part"] = ResponseForm.Part("") })).ConfigureAwait(false);
            }
            var piece = text.Length > 0 ? update.Text : update.Text.TrimStart();   // the whole answer is trimmed
            text += piece;
            if (piece.Length > 0)
                await SendAsync("response.output_text.delta", form.At(new() { ["delta"] = piece, ["logprobs"] = new JsonArray() })).ConfigureAwait(false);
            if (update.Result is not { } result)
                continue;
            await SendAsync("response.output_text.done", form.At(new() { ["text"] = result.Text, ["logprobs"] = new JsonArray() })).ConfigureAwait(false);
            await SendAsync("response.content_part.done", form.At(new() { ["part"] = ResponseForm.Part(result.Text) })).ConfigureAwait(false);
            await SendAsync("response.output_item.done", new() { ["output_index"] = 0, ["item"] = form.Message(result.Text, ResponseForm.Status(result)) }).ConfigureAwait(false);
            await SendAsync($"response.{ResponseForm.Status(result)}", new() { ["response"] = form.Whole(result) }).ConfigureAwait(false);
        }

        Task SendAsync(string name, JsonObject data)
        {
            data.Insert(0, "type", name);
            data.Insert(1, "sequence_number", number++);
            return OpenAiReplies.SendAsync(context, name, data);
        }
    }

    private static ITokenConstraint? Format(RequestObject request, LlavaModel model)
    {
        if (request.Object("text") is not { } text)
            return null;
        var format = text.Object("format");
        text.Refuse("is not supported", "verbosity");
        text.Finish();
        return format is null ? null : AnswerForm.Format(format, format, model);
    }
}
