namespace LlavaSharp.Data.Synth;

/// <summary>Makes questions about a scene whose answer leaves no doubt: what is named is there exactly once, and relations differ clearly.</summary>
internal static class SynthQuestionMaker
{
    /// <summary>The least distance between centres, as a share of the shorter side, for left/right and above/below to be asked.</summary>
    public const double RelationGap = 0.05;

    private static readonly SynthQuestionType[] _refusable =
    [
        SynthQuestionType.Color, SynthQuestionType.Shape, SynthQuestionType.Place, SynthQuestionType.Size,
        SynthQuestionType.RelationHorizontal, SynthQuestionType.RelationVertical,
    ];

    /// <summary>A question of this type, or null when the scene does not allow one.</summary>
    public static SynthQuestion? TryMake(SynthQuestionType type, SynthScene scene, SynthRandom random) => type switch
    {
        SynthQuestionType.Color => AskColor(scene, random),
        SynthQuestionType.Shape => AskShape(scene, random),
        SynthQuestionType.CountAll => Ask(type, random, SynthWords.Numbers[scene.Objects.Count]),
        SynthQuestionType.CountColor => AskCountColor(scene, random),
        SynthQuestionType.CountShape => AskCountShape(scene, random),
        SynthQuestionType.Presence => AskPresence(scene, random),
        SynthQuestionType.Place => PickUnique(scene, random) is var (reference, item) ? Ask(type, random, SynthWords.Places[item.Cell], reference) : null,
        SynthQuestionType.Size => PickUnique(scene, random) is var (reference, item) ? Ask(type, random, SynthWords.Sizes[(int)item.Size], reference) : null,
        SynthQuestionType.RelationHorizontal or SynthQuestionType.RelationVertical => AskRelation(type, scene, random),
        SynthQuestionType.Describe => Ask(type, random, SynthWords.Describe(scene)),
        SynthQuestionType.Refusal => AskRefusal(scene, random),
        SynthQuestionType.OutOfWorld => new(type, SynthOffTopic.AskAboutPicture(random), SynthOffTopic.OnlyShapes),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown question type."),
    };

    /// <summary>Any question in the world's own words, with names drawn at random: for pictures that it does not fit, and for none.</summary>
    public static string MakeText(SynthRandom random)
    {
        var type = (SynthQuestionType)random.Below((int)SynthQuestionType.Refusal);
        var subject = type switch
        {
            SynthQuestionType.Color or SynthQuestionType.CountShape => new SynthReference(null, AnyShape(random)),
            SynthQuestionType.Shape or SynthQuestionType.CountColor => new SynthReference(AnyColor(random), null),
            _ => new SynthReference(AnyColor(random), AnyShape(random)),
        };
        return Write(type, subject, new(AnyColor(random), AnyShape(random)), random);
    }

    private static SynthQuestion Ask(SynthQuestionType type, SynthRandom random, string answer, SynthReference? subject = null, SynthReference? other = null) =>
        new(type, Write(type, subject ?? default, other ?? default, random), answer, subject, other);

    private static string Write(SynthQuestionType type, SynthReference subject, SynthReference other, SynthRandom random)
    {
        var wording = SynthPhrases.Pick(type, random);
        if (!wording.Contains('{'))
            return wording;
        var thing = random.Chance(0.85) ? "object" : "thing";
        var noun = type switch
        {
            SynthQuestionType.CountColor => SynthWords.Colors[(int)subject.Color!.Value],
            SynthQuestionType.CountShape => subject.NounWith(thing) + "s",
            _ => subject.NounWith(thing),
        };
        var text = SynthOffTopic.Fill(wording, noun);
        return other == default ? text : text.Replace("{1}", other.NounWith(thing), StringComparison.Ordinal);
    }

    private static SynthQuestion? AskColor(SynthScene scene, SynthRandom random)
    {
        Span<int> candidates = stackalloc int[scene.Objects.Count];
        var count = 0;
        for (var i = 0; i < scene.Objects.Count; i++)
        {
            if (new SynthReference(null, scene.Objects[i].Shape).CountIn(scene) == 1)
                candidates[count++] = i;
        }
        if (count == 0)
            return null;
        var item = scene.Objects[candidates[random.Below(count)]];
        return Ask(SynthQuestionType.Color, random, SynthWords.Colors[(int)item.Color], new(null, item.Shape));
    }

    private static SynthQuestion? AskShape(SynthScene scene, SynthRandom random)
    {
        Span<int> candidates = stackalloc int[scene.Objects.Count];
        var count = 0;
        for (var i = 0; i < scene.Objects.Count; i++)
        {
            if (new SynthReference(scene.Objects[i].Color, null).CountIn(scene) == 1)
                candidates[count++] = i;
        }
        if (count == 0)
            return null;
        var item = scene.Objects[candidates[random.Below(count)]];
        return Ask(SynthQuestionType.Shape, random, SynthWords.Shapes[(int)item.Shape], new(item.Color, null));
    }

    private static SynthQuestion AskCountColor(SynthScene scene, SynthRandom random)
    {
        // Drawn through the objects, a colour that occurs three times is asked three times as often: large counts are rare otherwise.
        var color = random.Chance(0.12) ? AnyColor(random) : AnyObject(scene, random).Color;
        var subject = new SynthReference(color, null);
        return Ask(SynthQuestionType.CountColor, random, SynthWords.Numbers[subject.CountIn(scene)], subject);
    }

    private static SynthQuestion AskCountShape(SynthScene scene, SynthRandom random)
    {
        var item = AnyObject(scene, random);
        SynthReference subject = random.Unit() switch
        {
            < 0.14 => new(null, AnyShape(random)),
            < 0.92 => new(null, item.Shape),
            < 0.98 => new(item.Color, item.Shape),
            _ => new(AnyColor(random), AnyShape(random)),
        };
        return Ask(SynthQuestionType.CountShape, random, SynthWords.Numbers[subject.CountIn(scene)], subject);
    }

    private static SynthQuestion AskPresence(SynthScene scene, SynthRandom random)
    {
        var item = AnyObject(scene, random);
        var kind = random.Unit() switch { < 0.7 => 0, < 0.85 => 1, _ => 2 };
        var subject = Cut(item.Color, item.Shape, kind);
        if (random.Chance(0.5))
        {
            subject = Absent(scene, kind, random) ?? subject;
        }
        return Ask(SynthQuestionType.Presence, random, subject.CountIn(scene) > 0 ? "yes" : "no", subject);
    }

    private static SynthQuestion? AskRelation(SynthQuestionType type, SynthScene scene, SynthRandom random)
    {
        if (scene.Objects.Count < 2)
            return null;
        var horizontal = type == SynthQuestionType.RelationHorizontal;
        for (var attempt = 0; attempt < 6; attempt++)
        {
            if (PickUnique(scene, random) is not var (subject, item) || PickUnique(scene, random) is not var (other, second) || ReferenceEquals(item, second))
                continue;
            var difference = horizontal ? item.CenterX - second.CenterX : item.CenterY - second.CenterY;
            if (Math.Abs(difference) < RelationGap * scene.ShorterSide)
                continue;
            var answer = horizontal ? (difference < 0 ? "left" : "right") : (difference < 0 ? "above" : "below");
            return Ask(type, random, answer, subject, other);
        }
        return null;
    }

    private static SynthQuestion? AskRefusal(SynthScene scene, SynthRandom random)
    {
        var type = random.Pick<SynthQuestionType>(_refusable);
        var kind = type switch { SynthQuestionType.Color => 1, SynthQuestionType.Shape => 2, _ => random.Chance(0.85) ? 0 : random.Between(1, 2) };
        if (Absent(scene, kind, random) is not { } absent)
            return null;
        SynthReference subject = absent, other = default;
        if (type is SynthQuestionType.RelationHorizontal or SynthQuestionType.RelationVertical)
        {
            if (PickUnique(scene, random) is not var (present, _))
                return null;
            (subject, other) = random.Chance(0.5) ? (absent, present) : (present, absent);
        }
        var text = Write(type, subject, other, random);
        // "thing" may stand for "object" in the question, never in the answer.
        return new(SynthQuestionType.Refusal, text, $"There is no {absent.Noun}.", subject, other == default ? null : other);
    }

    /// <summary>An object that can be named without doubt, and its name: mostly colour and shape, sometimes one of the two where that is enough.</summary>
    private static (SynthReference Reference, SynthObject Item)? PickUnique(SynthScene scene, SynthRandom random)
    {
        var start = random.Below(scene.Objects.Count);
        var kind = random.Unit() switch { < 0.7 => 0, < 0.88 => 1, _ => 2 };
        for (var i = 0; i < scene.Objects.Count; i++)
        {
            var item = scene.Objects[(start + i) % scene.Objects.Count];
            var wanted = Cut(item.Color, item.Shape, kind);
            if (wanted.CountIn(scene) == 1)
                return (wanted, item);
            var full = Cut(item.Color, item.Shape, 0);
            if (full.CountIn(scene) == 1)
                return (full, item);
        }
        return null;
    }

    /// <summary>A name that nothing in the scene has; half of the time it shares colour or shape with an object that is there.</summary>
    private static SynthReference? Absent(SynthScene scene, int kind, SynthRandom random)
    {
        for (var attempt = 0; attempt < 12; attempt++)
        {
            var near = AnyObject(scene, random);
            var (color, shape) = random.Below(4) switch
            {
                0 => (near.Color, AnyShape(random)),
                1 => (AnyColor(random), near.Shape),
                _ => (AnyColor(random), AnyShape(random)),
            };
            var reference = Cut(color, shape, kind);
            if (reference.CountIn(scene) == 0)
                return reference;
        }
        return null;
    }

    private static SynthReference Cut(SynthColor color, SynthShape shape, int kind) => kind switch
    {
        0 => new(color, shape),
        1 => new(null, shape),
        _ => new(color, null),
    };

    private static SynthObject AnyObject(SynthScene scene, SynthRandom random) => scene.Objects[random.Below(scene.Objects.Count)];

    private static SynthColor AnyColor(SynthRandom random) => (SynthColor)random.Below(8);

    private static SynthShape AnyShape(SynthRandom random) => (SynthShape)random.Below(4);
}
