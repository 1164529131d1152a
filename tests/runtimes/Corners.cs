// What the document does not show: wrong use is answered with a text, texts are UTF-8, what a callback
// throws stays in it. Prints a line for each.
using System;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

public static class Corners
{
    private static void Refused(string what, Action run)
    {
        try
        {
            run();
            Console.WriteLine(what + ": was not refused");
        }
        catch (Exception problem)
            when (problem is InvalidOperationException || problem is ObjectDisposedException)
        {
            Console.WriteLine(what + ": " + problem.Message);
        }
    }

    public static int Main()
    {
        Library.Load(Environment.GetEnvironmentVariable("DCC_CANCEL_LIBRARY"));
        Stream output = Console.OpenStandardOutput();
        Console.SetOut(new StreamWriter(output, new UTF8Encoding(false)) { AutoFlush = true });
        return Run();
    }

    // As a stale handle comes about: from a pointer that was kept for longer than its object.
    [DllImport(Library.Name, CallingConvention = CallingConvention.Cdecl)]
    private static extern int dcc_job_state(IntPtr job, out JobState outState);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Run()
    {
        JobHandle job = Program.CreateJob("Größe ändern 停止");
        IntPtr token = Native.dcc_job_token(job);
        var label = new byte[4097];
        Library.Check(Native.dcc_job_label(job, label, new UIntPtr(4097), out _));
        Console.WriteLine("label: " + Library.Text(label));
        Console.WriteLine("alive: " + Live());
        Library.Check(Native.dcc_job_set_current(job, out ulong ticket));
        Library.Check(Native.dcc_job_reset_current(ticket));
        Refused("ticket", () => Library.Check(Native.dcc_job_reset_current(ticket)));
        var tooLong = new string('x', 5000);
        Refused("long", () => Library.Check(Native.dcc_job_cancel(job, tooLong, Library.ToNul)));
        Console.WriteLine("still: " + (Program.Reason(token) == "" ? "none" : Program.Reason(token)));
        using (Program.Register(token, () => throw new Exception("no disk"), IntPtr.Zero))
            Library.Check(Native.dcc_job_cancel(job, "Größe ändern 停止", Library.ToNul));
        Console.WriteLine("reason: " + Program.Reason(token));
        IntPtr raw = job.DangerousGetHandle();
        job.Dispose();
        job.Dispose();
        Refused("disposed", () => Native.dcc_job_state(job, out _));
        Refused("stale", () => Library.Check(dcc_job_state(raw, out _)));
        Refused("twice", () => Library.Check(Native.dcc_job_release(raw)));
        Refused("made up", () => Library.Check(dcc_job_state(new IntPtr(0x1234), out _)));
        Console.WriteLine("handles left " + Live());
        return 0;
    }

    private static ulong Live()
    {
        var stats = new Stats { StructSize = (uint)Marshal.SizeOf<Stats>() };
        Library.Check(Native.dcc_stats_read(ref stats));
        return stats.LiveTokens + stats.LiveJobs + stats.LiveRegistrations;
    }
}
