using LlavaSharp.Imaging;

namespace LlavaSharp.Data.Synth;

/// <summary>What each patch of the preprocessed picture shows, for training a vision tower without language. All arrays run row by row over the grid.</summary>
/// <remarks>
/// The picture is taken as the <c>pad</c> preprocessing leaves it: put in the middle of a square of its longer side (the offset rounded down) and shrunk to the grid.
/// A patch is covered when its centre lies within an object's radius plus 0.35 of a patch; of two objects it shows the one whose edge is nearer to being beyond it.
/// An object so small that it covers no centre is given the patch that its own centre is in, if that is free.
/// </remarks>
public sealed class SynthPatchLabels
{
    /// <summary>The class of a patch that shows no object.</summary>
    public const int Background = 32;

    /// <summary>The number of classes: 8 colours x 4 shapes, and the background.</summary>
    public const int ClassCount = 33;

    /// <summary>The label of size and place where there is no object.</summary>
    public const int None = -1;

    /// <summary>How far beyond an object's radius a patch's centre may lie, in patches.</summary>
    private const double Margin = 0.35;

    private SynthPatchLabels(int grid)
    {
        Grid = grid;
        Classes = new int[grid * grid];
        Sizes = new int[grid * grid];
        Places = new int[grid * grid];
        Objects = new int[grid * grid];
    }

    /// <summary>Patches per side.</summary>
    public int Grid { get; }

    /// <summary>The class of each patch: 4 x colour + shape, or <see cref="Background"/>.</summary>
    public int[] Classes { get; }

    /// <summary>0 small, 1 big, or <see cref="None"/>.</summary>
    public int[] Sizes { get; }

    /// <summary>The place of the object's centre in the unpadded picture, 0 to 8, or <see cref="None"/>.</summary>
    public int[] Places { get; }

    /// <summary>The index of the object in the scene, or <see cref="None"/>.</summary>
    public int[] Objects { get; }

    /// <summary>The class of an object.</summary>
    public static int ClassOf(SynthColor color, SynthShape shape) => (int)color * 4 + (int)shape;

    /// <summary>Labels a scene.</summary>
    /// <param name="scene">The scene.</param>
    /// <param name="grid">Patches per side of the preprocessed picture (8 for 96 pixels and patches of 12).</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="grid"/> is not 1 to 1024.</exception>
    public static SynthPatchLabels For(SynthScene scene, int grid)
    {
        ArgumentNullException.ThrowIfNull(scene);
        if (grid is < 1 or > 1024)
            throw new ArgumentOutOfRangeException(nameof(grid), grid, "The grid must have 1 to 1024 patches per side.");
        var labels = new SynthPatchLabels(grid);
        Array.Fill(labels.Objects, None);
        var (side, offsetX, offsetY) = ImageGeometry.SquareAround(scene.Width, scene.Height);
        var perPixel = (double)grid / side;
        var closest = new double[grid * grid];
        Array.Fill(closest, Margin);
        Span<bool> shown = stackalloc bool[scene.Objects.Count];
        for (var i = 0; i < scene.Objects.Count; i++)
            shown[i] = labels.Cover(scene.Objects[i], i, perPixel, offsetX, offsetY, closest);
        for (var i = 0; i < scene.Objects.Count; i++)
        {
            var item = scene.Objects[i];
            var at = (int)((item.CenterY + offsetY) * perPixel) * grid + (int)((item.CenterX + offsetX) * perPixel);
            if (!shown[i] && labels.Objects[at] == None)
                labels.Objects[at] = i;
        }
        labels.Fill(scene);
        return labels;
    }

    /// <summary>Gives the object the patches it covers and no other covers better; true when it covers any centre.</summary>
    private bool Cover(SynthObject item, int index, double perPixel, int offsetX, int offsetY, double[] closest)
    {
        var centerX = (item.CenterX + offsetX) * perPixel;
        var centerY = (item.CenterY + offsetY) * perPixel;
        var radius = item.Radius * perPixel;
        var reach = radius + Margin;
        var covers = false;
        for (var row = Math.Max(0, (int)(centerY - reach - 0.5)); row < Grid && row + 0.5 <= centerY + reach; row++)
        {
            for (var column = Math.Max(0, (int)(centerX - reach - 0.5)); column < Grid && column + 0.5 <= centerX + reach; column++)
            {
                var dx = column + 0.5 - centerX;
                var dy = row + 0.5 - centerY;
                var beyond = Math.Sqrt(dx * dx + dy * dy) - radius;
                if (beyond > Margin)
                    continue;
                covers = true;
                var at = row * Grid + column;
                if (Objects[at] != None && beyond >= closest[at])
                    continue;
                closest[at] = beyond;
                Objects[at] = index;
            }
        }
        return covers;
    }

    private void Fill(SynthScene scene)
    {
        for (var at = 0; at < Objects.Length; at++)
        {
            if (Objects[at] == None)
            {
                (Classes[at], Sizes[at], Places[at]) = (Background, None, None);
                continue;
            }
            var item = scene.Objects[Objects[at]];
            (Classes[at], Sizes[at], Places[at]) = (ClassOf(item.Color, item.Shape), (int)item.Size, item.Cell);
        }
    }
}
