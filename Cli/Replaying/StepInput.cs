using System.Collections.Concurrent;
using System.Globalization;
using Interceptor.Cli.Output;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>
/// Steps from standard input: a key of a terminal, or a line of anything else, is a packet; a number is so many, <c>q</c> the end, and so is the end of the input. Prints each
/// packet after it was sent.
/// <para>Threads: one of its own reads; it is left behind where nobody presses a key any more.</para>
/// </summary>
internal sealed class StepInput : IReplaySteps
{
    private const char EndOfTransmission = '\u0004';

    private readonly BlockingCollection<long> _steps = [];
    private readonly PacketPrinter? _printer;
    private readonly CommandOutput _output;
    private long _left;

    private StepInput(PacketPrinter? printer, CommandOutput output)
    {
        _printer = printer;
        _output = output;
    }

    /// <summary>Begins to read.</summary>
    /// <param name="prints">False where standard output takes a capture.</param>
    /// <param name="output">Where packets are printed.</param>
    internal static StepInput Start(bool prints, CommandOutput output)
    {
        var steps = new StepInput(prints ? new PacketPrinter(output, source: null, new PacketPrintFormat()) : null, output);
        bool isTerminal = StandardDescriptor.IsTerminal(StandardDescriptor.Input);
        if (isTerminal)
        {
            output.Tell("a key sends a packet, a number and Enter so many, q ends.");
        }

        new Thread(isTerminal ? steps.ReadKeys : steps.ReadLines) { IsBackground = true, Name = "replay steps" }.Start();
        return steps;
    }

    public bool Await(CancellationToken cancellation)
    {
        if (_left == 0)
        {
            try
            {
                _left = _steps.Take(cancellation);
            }
            catch (InvalidOperationException)
            {
                // Nothing more will come.
                return false;
            }
        }

        _left--;
        return true;
    }

    public void Sent(in CapturedPacket packet)
    {
        _printer?.Write(packet);
        _output.Flush();
    }

    private void ReadLines()
    {
        try
        {
            while (Console.In.ReadLine() is { } line && line.Trim() != "q")
            {
                if (StepsOf(line.Trim()) is > 0 and var steps)
                {
                    _steps.Add(steps);
                }
            }
        }
        catch (IOException)
        {
            // As its end.
        }

        _steps.CompleteAdding();
    }

    /// <summary>The digits typed so far are the number that Enter ends; any other key is a packet.</summary>
    private void ReadKeys()
    {
        string digits = "";
        try
        {
            while (Console.ReadKey(intercept: true) is { KeyChar: not ('q' or EndOfTransmission) } key)
            {
                if (char.IsAsciiDigit(key.KeyChar))
                {
                    digits += key.KeyChar;
                    continue;
                }

                long steps = key.Key == ConsoleKey.Enter ? StepsOf(digits) : 1;
                digits = "";
                if (steps > 0)
                {
                    _steps.Add(steps);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The terminal went away: as its end.
        }

        _steps.CompleteAdding();
    }

    /// <summary>A number as it says; anything else is one.</summary>
    private static long StepsOf(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long steps) ? steps : 1;
}
