using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.IO;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Protocol;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Web;

/// <summary>Gets one answer: waits for its turn, asks controller and worker, and tells what comes.</summary>
/// <param name="server">What all conversations share.</param>
/// <param name="parameters">How to generate.</param>
/// <param name="client">The browser's address.</param>
/// <param name="chat">Reads the conversation, or changes it, while nobody else does.</param>
internal sealed class AnswerRun(WebConversations server, WebParameters parameters, string client, AnswerRun.IChat chat)
{
    // what a worker answers, as text, when nothing fits any more
    private const string TooLong = "Exceeds max token length. Please start a new conversation, thanks.";

    private readonly AnswerMeter _meter = new(server.Options.Clock);
    private string _text = "";

    /// <summary>The conversation that is answered.</summary>
    internal interface IChat
    {
        /// <summary>Reads or changes it.</summary>
        T With<T>(Func<WebChat, T> use);

        /// <summary>Changes the last turn and gives the state to the page.</summary>
        Task ShowAsync(Func<ConversationTurn, ConversationTurn> change, WebButtons buttons, WebFailure? failure = null, int? ahead = null);
    }

    /// <summary>Runs.</summary>
    /// <param name="stop">Ends it; the text that came until then stays.</param>
    public async Task RunAsync(CancellationToken stop)
    {
        var entered = false;
        try
        {
            await server.Slots.EnterAsync(ahead => chat.ShowAsync(turn => turn, WebButtons.Disabled, ahead: ahead), stop).ConfigureAwait(false);
            entered = true;
            await AnswerAsync(stop).ConfigureAwait(false);
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            var failure = new WebFailure(WebFailureKind.Stopped, "The answer was stopped.");
            await chat.ShowAsync(turn => Ended(turn) with { Answer = _text, Failure = failure }, _text.Length > 0 ? WebButtons.Enabled : WebButtons.Failed, failure).ConfigureAwait(false);
        }
        catch (LlavaException exception) when (Explain(exception) is { } failure)
        {
            server.Logger.LogInformation("{Reason}", failure.Message);
            await FailAsync(failure).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            server.Logger.LogError(exception, "An answer failed");
            await FailAsync(new(WebFailureKind.Internal, "The web server itself failed to get an answer; its log says why. Try again.", ProtocolTexts.ServerError)).ConfigureAwait(false);
        }
        finally
        {
            if (entered)
                server.Slots.Leave();
        }
    }

    private async Task AnswerAsync(CancellationToken stop)
    {
        var start = server.Options.Clock.GetUtcNow();
        chat.With(turns => turns.UseTemplate(server.Models.TemplateOf(parameters.Model)));
        var address = await server.Controller.AddressAsync(parameters.Model, stop).ConfigureAwait(false);
        server.Logger.LogInformation("model_name: {Model}, worker_addr: {Worker}", parameters.Model, address);
        if (address.Length == 0)
        {
            await FailAsync(new(WebFailureKind.NoWorker, $"No worker has the model '{parameters.Model}'. Choose another one, or start a worker for it (llava worker).", ProtocolTexts.ServerError)).ConfigureAwait(false);
            return;
        }
        var (conversation, shown) = chat.With(turns => (turns.BuildForPrompt(), turns.Pictures()));
        var prompt = conversation.GetPrompt();
        PreparedPicture[] pictures = [.. shown.Select(item => item.Picture.Prepare(item.Mode))];
        foreach (var picture in pictures)
            server.Log.AddPicture(picture);
        var request = Request(prompt, conversation.StopText, pictures);
        await ShowTextAsync().ConfigureAwait(false);
        await foreach (var bytes in server.Workers.GenerateAsync(address, request, stop).ConfigureAwait(false))
        {
            var frame = AnswerFrame.Read(bytes, address);
            if (frame.ErrorCode != 0)
            {
                await FailAsync(new(WebFailureKind.WorkerError, Explain(frame.ErrorCode, address), $"{frame.Text} (error_code: {frame.ErrorCode})", frame.ErrorCode)).ConfigureAwait(false);
                return;
            }
            _text = PythonText.Strip(AnswerFrame.Behind(prompt, frame.Text));
            _meter.Count(_text.Length > 0);
            await ShowTextAsync().ConfigureAwait(false);
        }
        stop.ThrowIfCancellationRequested();
        var failure = _text == TooLong ? new WebFailure(WebFailureKind.TooLong, "The conversation is too long for the model. Begin a new one, or ask for fewer tokens.", TooLong) : null;
        await chat.ShowAsync(turn => Ended(turn) with { Answer = _text, Failure = failure }, WebButtons.Enabled, failure).ConfigureAwait(false);
        var finish = server.Options.Clock.GetUtcNow();
        server.Logger.LogInformation("{Answer}", _text);
        server.Log.AddChat(parameters.Model, start, finish, chat.With(turns => turns.Build()), pictures.Select(picture => picture.Hash), client);
    }

    private Task ShowTextAsync() => chat.ShowAsync(
        turn => turn with { Answer = _text + WebTurn.Cursor, IsBeingWritten = true, Model = parameters.Model, Statistics = _meter.Read() }, WebButtons.Disabled);

    private Task FailAsync(WebFailure failure) => chat.ShowAsync(
        turn => Ended(turn) with { Answer = failure.OriginalText, Failure = failure, PartialAnswer = _text.Length > 0 ? _text : null }, WebButtons.Failed, failure);

    private ConversationTurn Ended(ConversationTurn turn) => turn with { IsBeingWritten = false, Model = parameters.Model, Statistics = _meter.Read() };

    private byte[] Request(string prompt, string? stopText, IReadOnlyList<PreparedPicture> pictures)
    {
        var json = new JsonObject
        {
            ["model"] = parameters.Model,
            ["prompt"] = prompt,
            ["temperature"] = parameters.Temperature,
            ["top_p"] = parameters.TopP,
            ["max_new_tokens"] = (long)Math.Clamp(Math.Truncate(parameters.MaxNewTokens), int.MinValue, WebParameters.MostNewTokens),
            ["stop"] = stopText,
            ["images"] = $"List of {pictures.Count} images: [{string.Join(", ", pictures.Select(picture => $"'{picture.Hash}'"))}]",
        };
        server.Logger.LogInformation("==== request ====\n{Request}", PythonJson.Dump(json));
        json["images"] = new JsonArray([.. pictures.Select(picture => (JsonNode)picture.Png)]);
        return Encoding.UTF8.GetBytes(PythonJson.Dump(json));
    }

    private static string Explain(int code, string address) => code switch
    {
        StreamFrame.NoWorker => $"{address} passes requests on, but no worker of it has the model (code {code}). Choose another one.",
        StreamFrame.WorkerUnreachable => $"{address} passes requests on, but its worker cannot be reached or fell silent (code {code}). Try again.",
        _ => $"The worker at {address} failed to answer (code {code}). Its log says why; try again, or begin a new conversation.",
    };

    private static WebFailure? Explain(LlavaException exception) => exception switch
    {
        ControllerException => new(WebFailureKind.NoController, exception.Message, ProtocolTexts.ServerError),
        WorkerException worker => new(
            worker.Problem switch
            {
                WorkerProblem.Silent => WebFailureKind.WorkerSilent,
                WorkerProblem.Garbled => WebFailureKind.WorkerGarbled,
                _ => WebFailureKind.WorkerUnreachable,
            },
            exception.Message,
            ProtocolTexts.ServerError),
        ImageException => new(WebFailureKind.PictureUnreadable, exception.Message, ProtocolTexts.ServerError),
        PromptException => new(WebFailureKind.Template, exception.Message, ProtocolTexts.ServerError),
        _ => null,
    };
}
