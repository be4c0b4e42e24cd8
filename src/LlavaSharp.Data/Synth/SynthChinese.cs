using System.Text;

namespace LlavaSharp.Data.Synth;

/// <summary>
/// The world in Chinese: the same questions with the same meaning, asked and answered in Chinese. Off unless <see cref="SynthConversationOptions.ChineseShare"/> says otherwise,
/// since its characters cost a small vocabulary about a hundred tokens.
/// </summary>
/// <remarks>
/// Answers: colours and shapes with their ending ("红色", "圆形"), counts with their measure word ("三个", "零个"), "有" or "没有", places in two characters ("左上", "正中"), "大" or "小",
/// "左边", "右边", "上面", "下面", "图中没有红色圆形。", and descriptions such as "左上一个大红色圆形，正中一个小蓝色正方形".
/// </remarks>
public static class SynthChinese
{
    /// <summary>The answer to everything from outside the world.</summary>
    public const string OnlyShapes = "我只能谈论由彩色圆形、正方形、三角形和星形组成的简单图片。";

    /// <summary>The sentence that wants a short answer, with the line break before it.</summary>
    public const string ShortAnswer = "\n请用一个词或短语回答。";

    private static readonly string[] _colors = ["红色", "绿色", "蓝色", "黄色", "紫色", "橙色", "黑色", "灰色"];
    private static readonly string[] _shapes = ["圆形", "正方形", "三角形", "星形"];
    private static readonly string[] _sizes = ["小", "大"];
    private static readonly string[] _numbers = ["零个", "一个", "两个", "三个", "四个", "五个"];
    private static readonly string[] _places = ["左上", "中上", "右上", "左中", "正中", "右中", "左下", "中下", "右下"];

    private static readonly Dictionary<string, string> _sides = new() { ["left"] = "左边", ["right"] = "右边", ["above"] = "上面", ["below"] = "下面", ["yes"] = "有", ["no"] = "没有" };

    private static readonly Dictionary<SynthQuestionType, string[]> _wordings = new()
    {
        [SynthQuestionType.Color] = ["{0}是什么颜色？", "{0}是什么颜色的？", "请问{0}的颜色是什么？"],
        [SynthQuestionType.Shape] = ["{0}是什么形状？", "{0}是什么形状的？", "请问{0}的形状是什么？"],
        [SynthQuestionType.CountAll] = ["图中有几个物体？", "图片里有多少个物体？", "一共有几个形状？"],
        [SynthQuestionType.CountColor] = ["有几个{0}物体？", "图中有几个{0}物体？", "图片里有多少个{0}物体？"],
        [SynthQuestionType.CountShape] = ["有几个{0}？", "图中有几个{0}？", "图片里有多少个{0}？"],
        [SynthQuestionType.Presence] = ["有{0}吗？", "图中有{0}吗？", "图中有没有{0}？"],
        [SynthQuestionType.Place] = ["{0}在哪里？", "{0}在图中的什么位置？", "请问{0}在哪里？"],
        [SynthQuestionType.Size] = ["{0}是大还是小？", "{0}是小的还是大的？", "{0}的大小是什么？"],
        [SynthQuestionType.RelationHorizontal] = ["{0}在{1}的左边还是右边？", "{0}在{1}的右边还是左边？"],
        [SynthQuestionType.RelationVertical] = ["{0}在{1}的上面还是下面？", "{0}在{1}的下面还是上面？"],
        [SynthQuestionType.Describe] = ["描述这张图片。", "图片里有什么？", "图中有什么？", "请描述这张图片。"],
        [SynthQuestionType.OutOfWorld] =
        [
            "图中的人穿着什么？", "这是在哪里拍的？", "这是什么动物？", "图中有狗吗？", "汽车是什么颜色？", "天气怎么样？", "图片里写了什么？", "你好", "你是谁？", "你能做什么？", "法国的首都是哪里？", "讲个笑话。",
        ],
    };

    /// <summary>What each word of an answer stands for; longer words go before shorter ones.</summary>
    private static readonly (string Chinese, string English)[] _dictionary = MakeDictionary();

    /// <summary>"大红色圆形" and the like in their places, from left to right.</summary>
    public static string Describe(SynthScene scene)
    {
        ArgumentNullException.ThrowIfNull(scene);
        return string.Join('，', scene.Objects.OrderBy(item => item.CenterX).ThenBy(item => item.CenterY).Select(item =>
            $"{_places[item.Cell]}一个{_sizes[(int)item.Size]}{_colors[(int)item.Color]}{_shapes[(int)item.Shape]}"));
    }

    /// <summary>Puts the English word for every known Chinese one, so that the same rules judge both languages; other text is left as it is.</summary>
    public static string ToEnglish(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var english = new StringBuilder(text.Length * 2);
        for (var i = 0; i < text.Length;)
        {
            var known = text[i] < '\u2E80' ? default : FindWord(text.AsSpan(i));
            if (known.Chinese is not null)
                english.Append(' ').Append(known.English).Append(' ');
            else
                english.Append(text[i] < '\u2E80' ? text[i] : ' ');
            i += known.Chinese?.Length ?? 1;
        }
        return english.ToString();
    }

    /// <summary>The same question in Chinese.</summary>
    internal static SynthQuestion Translate(SynthQuestion question, SynthScene? scene, SynthRandom random)
    {
        var type = question.Type;
        if (type == SynthQuestionType.OutOfWorld || scene is null)
            return question with { Text = Fill(random.Pick<string>(_wordings[scene is null ? AnyType(random) : type]), random), Answer = OnlyShapes };
        if (type == SynthQuestionType.Describe)
            return question with { Text = random.Pick<string>(_wordings[type]), Answer = Describe(scene) };
        var asked = type == SynthQuestionType.Refusal ? RefusedType(question, random) : type;
        var subject = type is SynthQuestionType.CountColor ? _colors[(int)question.Subject!.Value.Color!.Value] : Noun(question.Subject);
        var wording = random.Pick<string>(_wordings[asked]).Replace("{0}", subject, StringComparison.Ordinal).Replace("{1}", Noun(question.Other), StringComparison.Ordinal);
        return question with { Text = wording, Answer = TranslateAnswer(question, scene) };
    }

    /// <summary>Every text that the language can come up with, each wording filled with each colour and shape, for a tokenizer.</summary>
    internal static IEnumerable<string> FixedTexts()
    {
        foreach (var wording in _wordings.Values.SelectMany(wordings => wordings))
        {
            for (var i = 0; i < 8; i++)
                yield return wording.Replace("{0}", _colors[i] + _shapes[i % 4], StringComparison.Ordinal).Replace("{1}", _colors[7 - i] + "物体", StringComparison.Ordinal);
        }
        foreach (var text in (string[])[.. _numbers, .. _places, .. _sizes, .. _sides.Values, OnlyShapes, ShortAnswer, "图中没有红色圆形。", "左上一个大红色圆形，正中一个小蓝色正方形"])
            yield return text;
    }

    private static (string Chinese, string English) FindWord(ReadOnlySpan<char> text)
    {
        foreach (var entry in _dictionary)
        {
            if (text.StartsWith(entry.Chinese, StringComparison.Ordinal))
                return entry;
        }
        return default;
    }

    private static string TranslateAnswer(SynthQuestion question, SynthScene scene) => question.Type switch
    {
        SynthQuestionType.Color => _colors[IndexOf(SynthWords.Colors, question.Answer)],
        SynthQuestionType.Shape => _shapes[IndexOf(SynthWords.Shapes, question.Answer)],
        SynthQuestionType.Size => _sizes[IndexOf(SynthWords.Sizes, question.Answer)],
        SynthQuestionType.Place => _places[IndexOf(SynthWords.Places, question.Answer)],
        SynthQuestionType.CountAll or SynthQuestionType.CountColor or SynthQuestionType.CountShape => _numbers[IndexOf(SynthWords.Numbers, question.Answer)],
        SynthQuestionType.Refusal => $"图中没有{Noun(question.Subject!.Value.CountIn(scene) == 0 ? question.Subject : question.Other)}。",
        _ => _sides[question.Answer],
    };

    private static SynthQuestionType RefusedType(SynthQuestion question, SynthRandom random) => question switch
    {
        { Other: not null } => random.Chance(0.5) ? SynthQuestionType.RelationHorizontal : SynthQuestionType.RelationVertical,
        { Subject.Color: null } => SynthQuestionType.Color,
        { Subject.Shape: null } => SynthQuestionType.Shape,
        _ => random.Chance(0.5) ? SynthQuestionType.Place : SynthQuestionType.Size,
    };

    private static SynthQuestionType AnyType(SynthRandom random) =>
        random.Chance(0.5) ? SynthQuestionType.OutOfWorld : (SynthQuestionType)random.Below((int)SynthQuestionType.Refusal);

    private static string Fill(string wording, SynthRandom random) =>
        wording.Replace("{0}", random.Pick<string>(_colors) + random.Pick<string>(_shapes), StringComparison.Ordinal)
            .Replace("{1}", random.Pick<string>(_colors) + random.Pick<string>(_shapes), StringComparison.Ordinal);

    private static string Noun(SynthReference? reference) => reference is not { } named
        ? ""
        : (named.Color is { } color ? _colors[(int)color] : "") + (named.Shape is { } shape ? _shapes[(int)shape] : "物体");

    private static int IndexOf(IReadOnlyList<string> words, string word)
    {
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i] == word)
                return i;
        }
        throw new ArgumentOutOfRangeException(nameof(word), word, "Not one of the world's words.");
    }

    private static (string Chinese, string English)[] MakeDictionary()
    {
        (string, string)[] others =
        [
            ("五角星", "star"), ("星星", "star"), ("方形", "square"), ("圆", "circle"), ("星", "star"), ("红", "red"), ("绿", "green"), ("蓝", "blue"), ("黄", "yellow"),
            ("紫", "purple"), ("橙", "orange"), ("黑", "black"), ("灰", "gray"), ("零", "zero"), ("一", "one"), ("二", "two"), ("两", "two"), ("三", "three"), ("四", "four"), ("五", "five"),
            ("没有", "there is no"), ("有", "yes"), ("中间", "middle center"), ("左边", "left"), ("右边", "right"), ("左侧", "left"), ("右侧", "right"), ("上面", "above"), ("下面", "below"),
            ("上方", "above"), ("下方", "below"), ("能", "can"), ("可以", "can"), ("图片", "pictures"), ("，", ","), ("。", "."), ("；", ";"), ("、", ","),
        ];
        return
        [
            .. _colors.Zip(SynthWords.Colors)
                .Concat(_shapes.Zip(SynthWords.Shapes)).Concat(_sizes.Zip(SynthWords.Sizes))
                .Concat(_numbers.Zip(SynthWords.Numbers)).Concat(_places.Zip(SynthWords.Places)).Concat(others)
                .OrderByDescending(pair => pair.Item1.Length),
        ];
    }
}
