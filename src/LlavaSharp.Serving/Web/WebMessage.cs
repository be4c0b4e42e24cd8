using System.Text;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp.Serving.Web;

/// <summary>The rules by which a user's message becomes a turn.</summary>
internal static class WebMessage
{
    /// <summary>The most characters of a message.</summary>
    public const int MostCharacters = 1536;

    /// <summary>The most characters of a message with a picture.</summary>
    public const int MostCharactersWithPicture = 1200;

    /// <summary>What is wrong with the pictures, or null.</summary>
    public static WebFailure? Check(IReadOnlyList<WebPicture> pictures)
    {
        foreach (var picture in pictures)
            try
            {
                _ = ConversationImage.LimitSize(picture.Image.Width, picture.Image.Height, ConversationImage.DefaultMaximumLength, ConversationImage.DefaultMinimumLength);
            }
            catch (ImageException exception)
            {
                return new(WebFailureKind.PictureUnreadable, exception.Message);
            }
        return null;
    }

    /// <summary>Makes a turn.</summary>
    /// <param name="text">What the user wrote.</param>
    /// <param name="pictures">The pictures.</param>
    /// <param name="mode">How they are made fit.</param>
    /// <param name="isFirst">Whether it is the conversation's first turn.</param>
    /// <param name="onePicture">Whether the original's rule holds.</param>
    /// <returns>The turn, or why there is none; and how many characters were cut off.</returns>
    public static (ConversationTurn? Turn, WebFailure? Failure, int CutOff) Make(string text, IReadOnlyList<WebPicture> pictures, string mode, bool isFirst, bool onePicture)
    {
        // cut first, as in the original: a marker behind the cut does not count
        var (cut, cutOff) = Cut(text, pictures.Count > 0 ? MostCharactersWithPicture : MostCharacters);
        var markers = (cut.Length - ConversationText.WithoutMarkers(cut).Length) / LlavaConstants.ImageToken.Length;
        if (!onePicture && markers > pictures.Count)
            return (null, new(WebFailureKind.MarkerWithoutPicture, markers == 1 && pictures.Count == 0
                ? $"The text says {LlavaConstants.ImageToken}, which stands for a picture, but there is none. Add the picture, or take the word out."
                : $"The text says {LlavaConstants.ImageToken} {markers} times, but there {(pictures.Count == 1 ? "is 1 picture" : $"are {pictures.Count} pictures")}. Add pictures, or take words out."), cutOff);
        if (pictures.Count == 0)
            return (new(cut, pictures, mode, IsAnnounced: false), null, cutOff);
        // the form that models were trained with; records are the original's then
        if (onePicture || (isFirst && pictures.Count == 1 && markers == 0))
            return (new(markers > 0 ? cut : $"{cut}\n{LlavaConstants.ImageToken}", pictures, mode, IsAnnounced: true), null, cutOff);
        return (new(string.Concat(Enumerable.Repeat(LlavaConstants.ImageToken + "\n", pictures.Count - markers)) + cut, pictures, mode, IsAnnounced: false), null, cutOff);
    }

    /// <summary>Makes a turn of a conversation that was kept.</summary>
    /// <exception cref="ServingException">It cannot be one.</exception>
    public static ConversationTurn Restore(WebSavedTurn turn, int number)
    {
        var markers = (turn.Text.Length - ConversationText.WithoutMarkers(turn.Text).Length) / LlavaConstants.ImageToken.Length;
        var wrong = !ConversationImage.Modes.Contains(turn.ImageProcessMode) ? $"there is no way '{turn.ImageProcessMode}' to make pictures fit"
            : turn.IsAnnounced && (number > 0 || turn.Pictures.Count != 1 || markers == 0) ? "its picture is announced where none can be"
            : !turn.IsAnnounced && markers != turn.Pictures.Count ? $"it has {turn.Pictures.Count} pictures and {markers} markers {LlavaConstants.ImageToken}"
            : Check(turn.Pictures)?.Message;
        return wrong is null
            ? new(turn.Text, turn.Pictures, turn.ImageProcessMode, turn.IsAnnounced) { Answer = turn.Answer, Model = turn.Model }
            : throw new ServingException($"Message {number} of the conversation cannot be restored: {wrong}.");
    }

    // characters are code points to the original
    private static (string Text, int CutOff) Cut(string text, int most)
    {
        var (kept, end, count) = (0, 0, 0);
        for (var i = 0; i < text.Length; count++)
        {
            i += char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
            if (count < most)
                (kept, end) = (count + 1, i);
        }
        return (text[..end], count - kept);
    }
}
