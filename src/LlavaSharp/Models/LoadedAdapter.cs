using System.IO.Hashing;
using System.Text;

namespace LlavaSharp.Models;

/// <summary>An adapter that lies beside a model and answers the requests that name it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Index">Its place among those of the model.</param>
/// <param name="Projector">The projector that was trained with it; null: the model's.</param>
/// <param name="ImageAspectRatio">How pictures are made square for it.</param>
internal sealed record LoadedAdapter(string Name, int Index, Projector? Projector, string? ImageAspectRatio)
{
    /// <summary>What tells its keys and values from those of others.</summary>
    public UInt128 Salt { get; } = XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(Name));

    /// <summary>By what the features of a picture are held that an adapter, or the model as it is (null), computes.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="content">The content hash of the picture.</param>
    public static UInt128 PictureKey(LoadedAdapter? adapter, UInt128 content) => adapter?.Projector is null ? content : content ^ adapter.Salt;
}
