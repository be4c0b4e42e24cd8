namespace LlavaSharp.Data.Synth;

/// <summary>Paints <see cref="SynthOffTopicPicture"/>.</summary>
internal static class SynthOffTopicPainter
{
    private const uint Stream = 7;

    public static byte[] Paint(SynthOffTopicPicture picture)
    {
        var random = new SynthRandom(picture.Seed, (long)picture.Kind, Stream);
        var rgb = new byte[checked(picture.Width * picture.Height * 3)];
        var canvas = new Canvas(picture.Width, picture.Height, rgb, random);
        switch (picture.Kind)
        {
            case SynthOffTopicKind.Noise: canvas.Noise(); break;
            case SynthOffTopicKind.BlurredNoise: canvas.Layers(AnyColor(random), AnyColor(random), AnyColor(random), random.Between(3, 12), 1); break;
            case SynthOffTopicKind.Gradient: canvas.Gradient(); break;
            case SynthOffTopicKind.Stripes: canvas.Stripes(); break;
            case SynthOffTopicKind.Checkerboard: canvas.Checkerboard(); break;
            case SynthOffTopicKind.Texture: canvas.Layers(Earthy(random), Earthy(random), Earthy(random), random.Between(3, 8), 4); break;
            case SynthOffTopicKind.Landscape: canvas.Landscape(); break;
            case SynthOffTopicKind.Blobs: canvas.Blobs(); break;
            case SynthOffTopicKind.Scribble: canvas.Scribble(); break;
            case SynthOffTopicKind.Plain: canvas.Fill(random.Chance(0.5) ? Light(random) : AnyColor(random)); break;
            default: throw new ArgumentOutOfRangeException(nameof(picture), picture.Kind, "Unknown kind of picture.");
        }
        return rgb;
    }

    private static SynthRgb AnyColor(SynthRandom random) => new((byte)random.Below(256), (byte)random.Below(256), (byte)random.Below(256));

    private static SynthRgb Light(SynthRandom random) => new((byte)random.Between(225, 255), (byte)random.Between(225, 255), (byte)random.Between(225, 255));

    private static SynthRgb Earthy(SynthRandom random)
    {
        var light = random.Between(30, 220);
        return new((byte)Math.Clamp(light + random.Between(-30, 40), 0, 255), (byte)light, (byte)Math.Clamp(light + random.Between(-50, 30), 0, 255));
    }

    private readonly struct Canvas(int width, int height, byte[] rgb, SynthRandom random)
    {
        public void Fill(SynthRgb color)
        {
            for (var i = 0; i < rgb.Length; i += 3)
                Put(i, color);
        }

        public void Noise()
        {
            var gray = random.Chance(0.3);
            for (var i = 0; i < rgb.Length; i += 3)
            {
                var bits = random.Next();
                Put(i, gray ? new((byte)bits, (byte)bits, (byte)bits) : new((byte)bits, (byte)(bits >> 8), (byte)(bits >> 16)));
            }
        }

        public void Gradient()
        {
            var (a, b) = (AnyColor(random), AnyColor(random));
            var angle = random.Range(0, 2 * Math.PI);
            var (dx, dy) = (Math.Cos(angle) / width, Math.Sin(angle) / height);
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                    Put((y * width + x) * 3, Mix(a, b, 0.5 + 0.7 * ((x - width / 2.0) * dx + (y - height / 2.0) * dy)));
            }
        }

        public void Stripes()
        {
            var (a, b) = (AnyColor(random), AnyColor(random));
            var angle = random.Range(0, Math.PI);
            var period = random.Range(0.05, 0.3) * Math.Min(width, height);
            var (dx, dy) = (Math.Cos(angle) / period, Math.Sin(angle) / period);
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                    Put((y * width + x) * 3, ((int)Math.Floor(x * dx + y * dy) & 1) == 0 ? a : b);
            }
        }

        public void Checkerboard()
        {
            var (a, b) = (AnyColor(random), AnyColor(random));
            var cell = Math.Max(2, (int)(random.Range(0.06, 0.3) * Math.Min(width, height)));
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                    Put((y * width + x) * 3, ((x / cell + y / cell) & 1) == 0 ? a : b);
            }
        }

        /// <summary>Blurred noise: one value per grid point and layer, smoothed between; each layer is twice as fine and half as strong.</summary>
        public void Layers(SynthRgb dark, SynthRgb middle, SynthRgb light, int grid, int layers)
        {
            var sum = new float[width * height];
            var strength = 1f;
            var total = 0f;
            for (var layer = 0; layer < layers; layer++, grid *= 2, strength *= 0.55f)
            {
                AddLayer(sum, grid, strength);
                total += strength;
            }
            for (var i = 0; i < sum.Length; i++)
            {
                var value = Math.Clamp((sum[i] / total - 0.5f) * 1.6f + 0.5f, 0, 1);
                Put(i * 3, value < 0.5f ? Mix(dark, middle, value * 2) : Mix(middle, light, value * 2 - 1));
            }
        }

        public void Landscape()
        {
            var sky = new SynthRgb((byte)random.Between(90, 220), (byte)random.Between(140, 225), (byte)random.Between(180, 255));
            var haze = Mix(sky, new(255, 255, 255), 0.6);
            var (near, far) = (Earthy(random), Earthy(random));
            var horizon = height * random.Range(0.35, 0.7);
            var (waveA, waveB, phaseA, phaseB) = (random.Range(2, 6), random.Range(7, 15), random.Range(0, 6), random.Range(0, 6));
            var ground = new float[width * height];
            AddLayer(ground, random.Between(8, 24), 1);
            for (var x = 0; x < width; x++)
            {
                var u = (double)x / width;
                var edge = horizon + height * (0.07 * Math.Sin(u * waveA + phaseA) + 0.03 * Math.Sin(u * waveB + phaseB));
                for (var y = 0; y < height; y++)
                {
                    var at = y * width + x;
                    Put(at * 3, y < edge
                        ? Mix(sky, haze, y / edge)
                        : Mix(Mix(far, near, (y - edge) / (height - edge)), new(20, 40, 20), 0.45 * ground[at]));
                }
            }
        }

        public void Blobs()
        {
            var count = random.Between(4, 9);
            var spots = new (double X, double Y, double Size, SynthRgb Color)[count];
            foreach (ref var spot in spots.AsSpan())
                spot = (random.Unit() * width, random.Unit() * height, random.Range(0.15, 0.5) * Math.Max(width, height), AnyColor(random));
            var ground = AnyColor(random);
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    var color = ground;
                    foreach (var (spotX, spotY, size, paint) in spots)
                    {
                        var distance = ((x - spotX) * (x - spotX) + (y - spotY) * (y - spotY)) / (size * size);
                        if (distance < 1)
                            color = Mix(color, paint, (1 - distance) * (1 - distance));
                    }
                    Put((y * width + x) * 3, color);
                }
            }
        }

        public void Scribble()
        {
            Fill(Light(random));
            var strokes = random.Between(3, 12);
            for (var i = 0; i < strokes; i++)
            {
                var color = AnyColor(random);
                var (x, y) = (random.Unit() * width, random.Unit() * height);
                var angle = random.Range(0, 2 * Math.PI);
                // Curves wide enough never to close: a small ring would look like a circle of the world.
                var turn = random.Range(-0.8, 0.8) / Math.Min(width, height);
                var thickness = Math.Max(1, (int)(Math.Min(width, height) * random.Range(0.01, 0.03)));
                var length = (int)(Math.Max(width, height) * random.Range(0.3, 1.2));
                for (var step = 0; step < length; step++)
                {
                    Dot((int)x, (int)y, thickness, color);
                    angle += turn + random.Range(-0.04, 0.04);
                    (x, y) = (x + Math.Cos(angle), y + Math.Sin(angle));
                }
            }
        }

        private void Dot(int centerX, int centerY, int size, SynthRgb color)
        {
            for (var y = Math.Max(0, centerY); y < Math.Min(height, centerY + size); y++)
            {
                for (var x = Math.Max(0, centerX); x < Math.Min(width, centerX + size); x++)
                    Put((y * width + x) * 3, color);
            }
        }

        private void AddLayer(float[] sum, int grid, float strength)
        {
            var columns = grid + 2;
            var values = new float[columns * columns];
            foreach (ref var value in values.AsSpan())
                value = (float)random.Unit();
            for (var y = 0; y < height; y++)
            {
                var v = (float)y / height * grid;
                var row = (int)v;
                var down = Smooth(v - row);
                for (var x = 0; x < width; x++)
                {
                    var u = (float)x / width * grid;
                    var column = (int)u;
                    var along = Smooth(u - column);
                    var at = row * columns + column;
                    var upper = values[at] + (values[at + 1] - values[at]) * along;
                    var lower = values[at + columns] + (values[at + columns + 1] - values[at + columns]) * along;
                    sum[y * width + x] += strength * (upper + (lower - upper) * down);
                }
            }

            static float Smooth(float t) => t * t * (3 - 2 * t);
        }

        private static SynthRgb Mix(SynthRgb a, SynthRgb b, double share)
        {
            var t = (float)Math.Clamp(share, 0, 1);
            return new((byte)(a.R + (b.R - a.R) * t + 0.5f), (byte)(a.G + (b.G - a.G) * t + 0.5f), (byte)(a.B + (b.B - a.B) * t + 0.5f));
        }

        private void Put(int at, SynthRgb color) => (rgb[at], rgb[at + 1], rgb[at + 2]) = (color.R, color.G, color.B);
    }
}
