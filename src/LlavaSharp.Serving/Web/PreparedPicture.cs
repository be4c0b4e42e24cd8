using LlavaSharp.Imaging;

namespace LlavaSharp.Serving.Web;

/// <summary>A picture as it is sent and recorded.</summary>
/// <param name="Image">Made fit by its mode.</param>
/// <param name="Hash">MD5 of its pixels in lower-case hex; names its file in the log.</param>
/// <param name="Png">A PNG file in base64.</param>
internal sealed record PreparedPicture(Image Image, string Hash, string Png);
