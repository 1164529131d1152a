import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import java.io.PrintStream;

/**
 * What the examples do not show: wrong use is answered with a text, texts are UTF-8, work that must not
 * run does not, what it throws fails the job. Prints a line for each.
 */
final class Corners {
    private static final DccCancel LIBRARY = DccCancel.LIBRARY;
    private static PrintStream out;

    private static void refused(String what, Runnable run) {
        try {
            run.run();
            out.println(what + ": was not refused");
        } catch (IllegalStateException problem) {
            out.println(what + ": " + problem.getMessage());
        }
    }

    public static void main(String[] arguments) throws Exception {
        out = new PrintStream(System.out, true, "UTF-8");
        Job job = new Job("Größe ändern 停止");
        out.println("label: " + job.label());
        out.println("alive: " + DccCancel.liveHandles());
        LongByReference ticket = new LongByReference();
        DccCancel.check(LIBRARY.dcc_job_set_current(job.handle, ticket));
        DccCancel.check(LIBRARY.dcc_job_reset_current(ticket.getValue()));
        refused("ticket", () -> DccCancel.check(LIBRARY.dcc_job_reset_current(ticket.getValue())));
        refused("long", () -> job.cancel("x".repeat(5000)));
        out.println("still: " + (job.reason().isEmpty() ? "none" : job.reason()));
        job.cancel("Größe ändern 停止");
        out.println("reason: " + job.reason());
        job.run(() -> {
            out.println("ran although it was cancelled");
            return true;
        });
        out.println("before: " + job.state().name().toLowerCase());
        job.close();
        job.close();
        refused("stale", job::state);
        refused("twice", () -> DccCancel.check(LIBRARY.dcc_job_release(job.handle)));
        Pointer madeUp = new Pointer(0x1234);
        refused("made up", () -> DccCancel.check(LIBRARY.dcc_job_state(madeUp, new IntByReference())));

        try (Job failing = new Job("Fails")) {
            refused("thrown", () -> failing.run(() -> {
                throw new IllegalStateException("no disk");
            }));
            out.println("state: " + failing.state().name().toLowerCase());
        }
        out.println("handles left " + DccCancel.liveHandles());
    }
}
