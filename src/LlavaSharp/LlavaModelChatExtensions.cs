using Microsoft.Extensions.AI;

namespace LlavaSharp;

/// <summary>From a model to Microsoft.Extensions.AI.</summary>
public static class LlavaModelChatExtensions
{
    /// <summary>The model as an <see cref="IChatClient"/>; the model must outlive the client, and is not disposed of with it.</summary>
    public static IChatClient AsChatClient(this LlavaModel model, LlavaChatClientOptions? options = null) => new LlavaChatClient(model, options);
}
