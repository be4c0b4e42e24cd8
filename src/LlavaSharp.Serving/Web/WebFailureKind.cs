namespace LlavaSharp.Serving.Web;

/// <summary>Why there is no answer, or why a message was not taken.</summary>
public enum WebFailureKind
{
    /// <summary>There was neither a text nor a picture.</summary>
    EmptyMessage,

    /// <summary>The moderation service objects to the text.</summary>
    Moderation,

    /// <summary>A picture cannot be read, or not be made fit.</summary>
    PictureUnreadable,

    /// <summary>The text has more <c>&lt;image&gt;</c> markers than there are pictures.</summary>
    MarkerWithoutPicture,

    /// <summary>An answer is being generated: stop it first, or wait.</summary>
    Busy,

    /// <summary>There is no question to answer again, or no turn of that number to edit.</summary>
    NoSuchTurn,

    /// <summary>The controller cannot be reached, or does not answer as one.</summary>
    NoController,

    /// <summary>No worker has the model.</summary>
    NoWorker,

    /// <summary>The worker cannot be reached, or went away while it answered.</summary>
    WorkerUnreachable,

    /// <summary>The worker said nothing for too long.</summary>
    WorkerSilent,

    /// <summary>The worker answered with an error; its code is in <see cref="WebFailure.ErrorCode"/>.</summary>
    WorkerError,

    /// <summary>The worker answered something that does not follow the protocol.</summary>
    WorkerGarbled,

    /// <summary>The conversation has become too long for the model.</summary>
    TooLong,

    /// <summary>The model's template cannot write this conversation.</summary>
    Template,

    /// <summary>The answer was stopped.</summary>
    Stopped,

    /// <summary>The web server itself failed; its log says why.</summary>
    Internal,
}
