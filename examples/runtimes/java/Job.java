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

/** A job of dcc-cancel. Release it by try-with-resources. */
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

    /** Call it once. The handle is kept, so that the library answers a later use with "invalid handle". */
    @Override public void close() {
        if (isReleased.compareAndSet(false, true))
            DccCancel.check(LIBRARY.dcc_job_release(handle));
    }

    /**
     * Runs work with this job as the current job of this thread, so the code that it calls need not know the
     * job. Call it on a platform thread, because a virtual thread may move to another one. True completes the
     * job, false ends it as cancelled, and an exception fails it.
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
     * Carries what is current here to the thread that runs the result, for an executor or a
     * CompletableFuture. The result may run once. A new thread has nothing current, so its polls would never
     * say stop.
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

    /** Runs work whose polls are not cancelled, because it has to be done even after a cancel. */
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

    /** Whether the current work of this thread should stop. */
    static boolean isCancelled() {
        return DccCancel.check(LIBRARY.dcc_check_cancelled()) != 0;
    }

    /** Asks the job to stop. DccCancel.SEALED: too late. */
    int cancel(String reason) {
        byte[] text = reason.getBytes(StandardCharsets.UTF_8);
        return DccCancel.check(LIBRARY.dcc_job_cancel(handle, text, text.length));
    }

    /**
     * The job's point of no return. Call it before the job does what cannot be taken back. True: go ahead, no
     * cancel reaches the job any more. False: a cancel was first.
     */
    boolean seal() {
        return DccCancel.check(LIBRARY.dcc_job_seal(handle)) == 0;
    }

    /** Waits until the job has really ended, on any thread. After that its data can be freed. */
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

    /** The message of a job that failed, or that gave up because it was cancelled. */
    String failure() {
        byte[] text = new byte[4097];
        DccCancel.check(LIBRARY.dcc_job_failure(handle, text, text.length, null));
        return Native.toString(text, "UTF-8");
    }

    /** The job's token. It is lent, and valid as long as the job. */
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
