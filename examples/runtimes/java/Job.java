import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/** A job of dcc-cancel, to be released by try-with-resources. */
final class Job implements AutoCloseable {
    enum State { NONE, PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, INTERRUPTED }

    private static final DccCancel LIBRARY = DccCancel.LIBRARY;

    final Pointer handle;
    private final AtomicBoolean isReleased = new AtomicBoolean();

    Job(String label) {
        DccCancel.JobDesc desc = new DccCancel.JobDesc();
        desc.label = label;
        PointerByReference out = new PointerByReference();
        DccCancel.check(LIBRARY.dcc_job_create(desc, out));
        handle = out.getValue();
    }

    /** Once. The handle stays, so that a later use is told that it is stale. */
    @Override public void close() {
        if (isReleased.compareAndSet(false, true))
            DccCancel.check(LIBRARY.dcc_job_release(handle));
    }

    /**
     * Runs work with the job as the current one of this thread: what it calls need not know the job. On
     * a platform thread: a virtual one may go on on another. The job ends as the work does: true is done;
     * what it throws fails the job.
     */
    void run(BooleanSupplier work) {
        if (DccCancel.check(LIBRARY.dcc_job_begin(handle)) != 0) { // cancelled before it began
            DccCancel.check(LIBRARY.dcc_job_acknowledge_cancel(handle));
            return;
        }
        LongByReference ticket = new LongByReference();
        DccCancel.check(LIBRARY.dcc_job_set_current(handle, ticket));
        try {
            boolean isDone = work.getAsBoolean();
            DccCancel.check(isDone
                    ? LIBRARY.dcc_job_complete(handle)
                    : LIBRARY.dcc_job_acknowledge_cancel(handle));
        } catch (RuntimeException | Error problem) {
            byte[] message = problem.toString().getBytes(StandardCharsets.UTF_8);
            LIBRARY.dcc_job_fail(handle, message, message.length);
            throw problem;
        } finally {
            DccCancel.check(LIBRARY.dcc_job_reset_current(ticket.getValue()));
        }
    }

    /**
     * Carries what is current here to the thread that runs the result, once: for an executor, or for
     * CompletableFuture. A new thread has nothing current, so that what asks there is never told to stop.
     */
    static <T> Supplier<T> withContext(Supplier<T> work) {
        PointerByReference context = new PointerByReference();
        DccCancel.check(LIBRARY.dcc_context_capture(context));
        return () -> {
            try {
                return within(ticket -> LIBRARY.dcc_context_enter(context.getValue(), ticket), work);
            } finally {
                DccCancel.check(LIBRARY.dcc_context_release(context.getValue()));
            }
        };
    }

    /** Runs work whose polls are not cancelled: for what has to be done after a cancel, too. */
    static <T> T shield(Supplier<T> work) {
        return within(LIBRARY::dcc_context_shield, work);
    }

    private static <T> T within(ToIntFunction<LongByReference> enter, Supplier<T> work) {
        LongByReference ticket = new LongByReference();
        DccCancel.check(enter.applyAsInt(ticket));
        try {
            return work.get();
        } finally {
            DccCancel.check(LIBRARY.dcc_context_exit(ticket.getValue()));
        }
    }

    /** Whether the work of this thread should stop. */
    static boolean isCancelled() {
        return DccCancel.check(LIBRARY.dcc_check_cancelled()) != 0;
    }

    /** DccCancel.SEALED: too late. */
    int cancel(String reason) {
        byte[] text = reason.getBytes(StandardCharsets.UTF_8);
        return DccCancel.check(LIBRARY.dcc_job_cancel(handle, text, text.length));
    }

    /**
     * The point of no return, before what cannot be taken back. True: go ahead, no cancel reaches it any
     * more. False: a cancel was first.
     */
    boolean seal() {
        return DccCancel.check(LIBRARY.dcc_job_seal(handle)) == 0;
    }

    /** Waits until it has really ended, on whichever thread: then what it works on can be freed. */
    void await() {
        DccCancel.check(LIBRARY.dcc_job_wait(handle, DccCancel.NO_LIMIT));
    }

    void setProgress(long done, long total) {
        DccCancel.check(LIBRARY.dcc_job_set_progress(handle, done, total, null, 0));
    }

    DccCancel.JobProgress progress() {
        DccCancel.JobProgress info = new DccCancel.JobProgress();
        DccCancel.check(LIBRARY.dcc_job_read_progress(handle, info));
        return info;
    }

    String label() {
        byte[] text = new byte[4097];
        DccCancel.check(LIBRARY.dcc_job_label(handle, text, text.length, null));
        return Native.toString(text, "UTF-8");
    }

    /** With which words it failed, or gave up when it was cancelled. */
    String failure() {
        byte[] text = new byte[4097];
        DccCancel.check(LIBRARY.dcc_job_failure(handle, text, text.length, null));
        return Native.toString(text, "UTF-8");
    }

    /** Borrowed: good as long as the job. */
    Pointer token() {
        return LIBRARY.dcc_job_token(handle);
    }

    String reason() {
        byte[] text = new byte[4097];
        DccCancel.check(LIBRARY.dcc_cancel_token_reason(token(), text, text.length, null));
        return Native.toString(text, "UTF-8");
    }

    State state() {
        IntByReference state = new IntByReference();
        DccCancel.check(LIBRARY.dcc_job_state(handle, state));
        return State.values()[state.getValue()];
    }
}
