using System.Runtime.InteropServices;

namespace LlavaSharp.Cli.Chat;

/// <summary>Ctrl-C in a conversation: it stops the answer under way; twice, or while none is, it ends the program with 130.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PosixSignalRegistration _registration;
    private CancellationTokenSource? _answer;

    public Interrupts() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnInterrupt);

    /// <summary>An answer begins; the token is cancelled by Ctrl-C.</summary>
    public CancellationToken BeginAnswer()
    {
        lock (_lock)
        {
            _answer?.Dispose();
            _answer = new CancellationTokenSource();
            return _answer.Token;
        }
    }

    /// <summary>The answer has ended.</summary>
    public void EndAnswer()
    {
        lock (_lock)
        {
            _answer?.Dispose();
            _answer = null;
        }
    }

    public void Dispose()
    {
        _registration.Dispose();
        EndAnswer();
    }

    private void OnInterrupt(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_lock)
        {
            if (_answer is { IsCancellationRequested: false } answer)
            {
                answer.Cancel();
                return;
            }
        }
        Console.Out.WriteLine();
        Environment.Exit(CommandRunner.Interrupted);
    }
}
