using System.Globalization;
using System.Text;
using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>How a model did on the synthetic world.</summary>
/// <param name="Types">By type, those that were asked only, in the order of <see cref="SynthCategories.All"/>; descriptions are among them.</param>
/// <param name="DescribedObjects">How many objects the asked-for descriptions should have named.</param>
/// <param name="RecalledObjects">How many of these were named in full: size, colour, shape and place.</param>
public sealed record SynthReport(IReadOnlyList<SynthTypeScore> Types, int DescribedObjects, int RecalledObjects)
{
    /// <summary>Every question except descriptions: right answers.</summary>
    public int Right => Types.Where(score => score.Type != SynthQuestionType.Describe).Sum(score => score.Right);

    /// <summary>Every question except descriptions: how many were asked.</summary>
    public int Asked => Types.Where(score => score.Type != SynthQuestionType.Describe).Sum(score => score.Asked);

    /// <summary>The share of questions other than descriptions that was answered right, 0 to 1.</summary>
    public double Overall => Asked == 0 ? 0 : (double)Right / Asked;

    /// <summary>Descriptions that name exactly the objects of the picture.</summary>
    public SynthTypeScore WholeDescriptions => Types.FirstOrDefault(score => score.Type == SynthQuestionType.Describe, new(SynthQuestionType.Describe, 0, 0));

    /// <summary>The share of objects that descriptions name in full, 0 to 1.</summary>
    public double ObjectRecall => DescribedObjects == 0 ? 0 : (double)RecalledObjects / DescribedObjects;

    /// <summary>The figures as a table: one line a type, then all together, whole descriptions, and objects recalled.</summary>
    public string ToTable()
    {
        var table = new StringBuilder();
        table.Append(CultureInfo.InvariantCulture, $"{"question",-20} {"right",7} {"asked",7} {"share",7}\n");
        foreach (var score in Types.Where(score => score.Type != SynthQuestionType.Describe))
            Line(SynthCategories.NameOf(score.Type), score.Right, score.Asked);
        Line("all", Right, Asked);
        Line("whole descriptions", WholeDescriptions.Right, WholeDescriptions.Asked);
        Line("objects described", RecalledObjects, DescribedObjects);
        return table.ToString();

        void Line(string name, int right, int asked)
        {
            var share = asked == 0 ? "-" : (100.0 * right / asked).ToString("F1", CultureInfo.InvariantCulture) + " %";
            table.Append(CultureInfo.InvariantCulture, $"{name,-20} {right,7} {asked,7} {share,7}\n");
        }
    }
}
