namespace LlavaSharp.Cli.Chat;

/// <summary>Reads lines from a terminal: arrow keys move in the line and through what was written before. A long line scrolls sideways in its row.</summary>
internal sealed class LineEditor : ILineReader
{
    private readonly List<string> _history = [];

    public string? ReadLine(string prompt)
    {
        var line = new LineBuffer();
        var entry = _history.Count;
        var draft = "";
        while (true)
        {
            // pasted text is drawn once
            if (!Console.KeyAvailable)
                Draw(prompt, line);
            var key = Console.ReadKey(intercept: true);
            var control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    Draw(prompt, line);
                    Console.Out.WriteLine();
                    var text = line.Text;
                    if (text.Length > 0 && (_history.Count == 0 || _history[^1] != text))
                        _history.Add(text);
                    return text;
                case ConsoleKey.D when control:
                    if (line.Length == 0)
                        return null;
                    line.DeleteRight();
                    break;
                case ConsoleKey.LeftArrow:
                    line.MoveTo(line.Cursor - 1);
                    break;
                case ConsoleKey.RightArrow:
                    line.MoveTo(line.Cursor + 1);
                    break;
                case ConsoleKey.Home:
                case ConsoleKey.A when control:
                    line.MoveTo(0);
                    break;
                case ConsoleKey.End:
                case ConsoleKey.E when control:
                    line.MoveTo(line.Length);
                    break;
                case ConsoleKey.Backspace:
                    line.DeleteLeft();
                    break;
                case ConsoleKey.Delete:
                    line.DeleteRight();
                    break;
                case ConsoleKey.U when control:
                    line.DeleteToStart();
                    break;
                case ConsoleKey.W when control:
                    line.DeleteWord();
                    break;
                case ConsoleKey.UpArrow:
                    Recall(entry - 1);
                    break;
                case ConsoleKey.DownArrow:
                    Recall(entry + 1);
                    break;
                default:
                    if (!char.IsControl(key.KeyChar))
                        line.Insert(key.KeyChar);
                    break;
            }
        }

        void Recall(int wanted)
        {
            if (wanted < 0 || wanted > _history.Count)
                return;
            if (entry == _history.Count)
                draft = line.Text;
            entry = wanted;
            line.Replace(entry == _history.Count ? draft : _history[entry]);
        }
    }

    private static void Draw(string prompt, LineBuffer line)
    {
        var (text, cursor) = line.Window(Math.Max(8, Console.WindowWidth - prompt.Length));
        var column = prompt.Length + cursor;
        // back to the first column, write, clear the rest, and go to the cursor's column
        Console.Out.Write($"\r{prompt}{text}\u001b[K\r{(column > 0 ? $"\u001b[{column}C" : "")}");
        Console.Out.Flush();
    }
}
