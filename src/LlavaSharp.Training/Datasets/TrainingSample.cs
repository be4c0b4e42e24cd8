using LlavaSharp.Imaging;

namespace LlavaSharp.Training;

/// <summary>A sample as the network takes it.</summary>
/// <param name="Conversation">Ids and labels.</param>
/// <param name="Picture">Pixel values; for a text-only sample of a run with pictures a view of zeros; null in a run without.</param>
public sealed record TrainingSample(EncodedConversation Conversation, PixelValues? Picture);
