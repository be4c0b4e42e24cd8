namespace LlavaSharp.Generation.Constraints;

/// <summary>How deep containers must at least be nested on the way from each instruction to the end of its rule.</summary>
internal static class AutomatonHeights
{
    /// <summary>No way leads to the end.</summary>
    public const int None = int.MaxValue;

    /// <summary>The height of each instruction.</summary>
    public static int[] Of(IReadOnlyList<Instruction> instructions, IReadOnlyList<int> entries)
    {
        var heights = new int[instructions.Count];
        Array.Fill(heights, None);
        var dependents = Dependents(instructions, entries);
        // heights only sink, and a change is told to those that depend on it
        var changed = new Queue<int>();
        heights[AutomatonBuilder.Return] = 0;
        changed.Enqueue(AutomatonBuilder.Return);
        while (changed.TryDequeue(out var place))
        {
            foreach (var dependent in dependents[place])
            {
                var height = Height(instructions[dependent]);
                if (height >= heights[dependent])
                    continue;
                heights[dependent] = height;
                changed.Enqueue(dependent);
            }
        }
        return heights;

        int Height(Instruction instruction)
        {
            switch (instruction.Kind)
            {
                case InstructionKind.Byte:
                    return heights[instruction.Next] is var next && instruction.Nests ? Math.Max(next, 1) : next;
                case InstructionKind.Split:
                    return instruction.Targets!.Min(target => heights[target]);
                default:
                    var (inside, behind) = (heights[entries[instruction.Rule]], heights[instruction.Next]);
                    return inside == None || behind == None ? None : Math.Max(inside + (instruction.Nests ? 1 : 0), behind);
            }
        }
    }

    private static List<int>[] Dependents(IReadOnlyList<Instruction> instructions, IReadOnlyList<int> entries)
    {
        var dependents = new List<int>[instructions.Count];
        for (var place = 0; place < dependents.Length; place++)
            dependents[place] = [];
        for (var place = 0; place < dependents.Length; place++)
        {
            var instruction = instructions[place];
            switch (instruction.Kind)
            {
                case InstructionKind.Byte:
                    dependents[instruction.Next].Add(place);
                    break;
                case InstructionKind.Split:
                    foreach (var target in instruction.Targets!)
                        dependents[target].Add(place);
                    break;
                case InstructionKind.Call:
                    dependents[instruction.Next].Add(place);
                    dependents[entries[instruction.Rule]].Add(place);
                    break;
            }
        }
        return dependents;
    }
}
