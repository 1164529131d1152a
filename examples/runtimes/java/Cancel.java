// Shows: dcc-cancel in Java, by JNA. A job sums numbers and polls. Another thread cancels it, and the job
// keeps the partial sum. A second job saves the sum after its point of no return.
//
// Run, after `cargo build --release` (Debian: openjdk-17-jdk-headless, libjna-java):
//     javac -cp /usr/share/java/jna.jar -d target/java examples/runtimes/java/*.java
//     DCC_CANCEL_LIBRARY=$PWD/target/release/libdcc_cancel.so
//         java -cp target/java:/usr/share/java/jna.jar Cancel   (one line)

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

final class Cancel {
    private static final long STEPS = 10_000_000_000L; // an hour

    private static final int FILES = 10;

    private long done;
    private long sum;
    private int cleaned;

    public static void main(String[] arguments) {
        System.out.println(DccCancel.LIBRARY.dcc_version_string());
        new Cancel().run();
        System.out.println("handles left " + DccCancel.liveHandles());
    }

    private void run() {
        try (Job job = new Job("Sum up")) {
            ScheduledExecutorService user = Executors.newSingleThreadScheduledExecutor();
            try {
                job.run(() -> {
                    user.schedule(() -> job.cancel("the user pressed Esc"), 50, TimeUnit.MILLISECONDS);
                    // Runs on a thread of the common pool.
                    boolean goesOn = CompletableFuture.supplyAsync(Job.withContext(() -> sumUp(job))).join();
                    cleaned = Job.shield(Cancel::cleanUp);
                    return goesOn;
                });
            } finally {
                user.shutdownNow();
            }
            DccCancel.JobProgress progress = job.progress();
            System.out.printf("stopped after %d of %d steps by: %s%n",
                    progress.done, progress.total, job.reason());
            System.out.println("partial sum " + sum);
            save();
            System.out.println("cleaned up " + cleaned + " of " + FILES + " files");
            share();
            System.out.println("job " + job.state().name().toLowerCase() + ": " + job.failure());
        }
    }

    /** A job on another thread that does what cannot be taken back. After that a cancel is too late. */
    private void save() {
        try (Job job = new Job("Save")) {
            int[] answer = {0};
            long[] saved = {0};
            CompletableFuture<Void> thread = CompletableFuture.runAsync(() -> job.run(() -> {
                if (!job.seal())
                    return false;
                answer[0] = job.cancel("too late");
                saved[0] = sum;
                return true;
            }));
            job.await();
            thread.join(); // the thread uses the job
            String told = answer[0] == DccCancel.SEALED ? "came too late" : "was first";
            System.out.println("saved " + saved[0] + ": job " + job.state().name().toLowerCase()
                    + ", a cancel " + told);
        }
    }

    /** A result that two jobs wait for. It is cancelled when both have left. */
    private static void share() {
        try (Job left = new Job("Left view");
                Job right = new Job("Right view");
                SharedToken both = new SharedToken(left, right)) {
            left.cancel("the view was closed");
            boolean stopsAfterFirst = both.isCancelled();
            right.cancel("the view was closed");
            System.out.printf("shared result stops after the first: %b, after both: %b%n",
                    stopsAfterFirst, both.isCancelled());
        }
    }

    private boolean sumUp(Job job) {
        NativeCall call = new NativeCall();
        sumLibrary(NativeCall.ASK, call.data);
        job.setProgress(done, STEPS);
        return call.end(done == STEPS, done != STEPS, "sum: aborted");
    }

    /** Stands for a native library that calls a function of its caller to ask whether to stop. */
    private void sumLibrary(Function ask, Pointer data) {
        do {
            done += 1;
            sum += done;
        } while (done < STEPS && ask.invokeInt(new Object[] {data}) == 0);
    }

    /** Polls as all code does. Behind a shield it is not stopped. Returns how many files it has removed. */
    private static int cleanUp() {
        int removed = 0;
        while (removed < FILES && !Job.isCancelled())
            removed += 1;
        return removed;
    }
}
