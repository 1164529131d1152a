import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;

/**
 * The part of dcc-cancel that Cancel.java uses, declared for JNA as in include/dcc_cancel.h. For more
 * functions add more lines of that header. A size_t is a long, because the library exists for 64-bit
 * platforms only. Texts are byte[] of UTF-8, because JNA writes a String in the encoding of the locale.
 */
interface DccCancel extends Library {
    int ABI_MAJOR = 2;
    /** SIZE_MAX, the length of a text that ends with NUL. */
    long NUL_TERMINATED = -1;
    /** The timeout of a wait without a limit. */
    long NO_LIMIT = -1;
    /** The answer to a cancel that is too late, because the job has passed its point of no return. */
    int SEALED = 19;

    int dcc_abi_version();
    String dcc_version_string();
    int dcc_instance_check();
    int dcc_last_error(byte[] buffer, long size, Pointer outLength);
    int dcc_stats_read(Stats outStats);
    int dcc_job_create(JobDesc desc, PointerByReference outJob);
    int dcc_job_release(Pointer job);
    Pointer dcc_job_token(Pointer job);
    int dcc_job_begin(Pointer job);
    int dcc_job_complete(Pointer job);
    int dcc_job_fail(Pointer job, byte[] message, long messageLength);
    int dcc_job_acknowledge_cancel(Pointer job);
    int dcc_job_cancel(Pointer job, byte[] reason, long reasonLength);
    int dcc_job_seal(Pointer job);
    int dcc_job_wait(Pointer job, long timeoutNs);
    int dcc_job_state(Pointer job, IntByReference outState);
    int dcc_job_label(Pointer job, byte[] buffer, long size, Pointer outLength);
    int dcc_job_failure(Pointer job, byte[] buffer, long size, Pointer outLength);
    int dcc_job_set_progress(Pointer job, long done, long total, byte[] message, long messageLength);
    int dcc_job_read_progress(Pointer job, JobProgress outProgress);
    int dcc_job_set_current(Pointer job, LongByReference outTicket);
    int dcc_job_reset_current(long ticket);
    int dcc_check_cancelled();
    int dcc_context_capture(PointerByReference outContext);
    int dcc_context_enter(Pointer context, LongByReference outTicket);
    int dcc_context_shield(LongByReference outTicket);
    int dcc_context_exit(long ticket);
    int dcc_context_release(Pointer context);
    int dcc_library_call_begin(LibraryCall outCall);
    int dcc_library_call_ask(Pointer call);
    int dcc_library_call_end(Pointer call, int succeeded, int wasAborted, byte[] words, long wordsLength);
    int dcc_cancel_token_create_all(Pointer[] parents, long count, PointerByReference outToken);
    int dcc_cancel_token_is_cancelled(Pointer token);
    int dcc_cancel_token_release(Pointer token);
    int dcc_cancel_token_reason(Pointer token, byte[] buffer, long size, Pointer outLength);

    @FieldOrder({"structSize", "flags", "label", "labelLength", "callerId", "callerIdLength", "parent",
        "userData", "destroy", "isCancelled", "minIntervalNs", "owner"})
    class JobDesc extends Structure {
        public int structSize;
        public int flags;
        public String label;
        public long labelLength = NUL_TERMINATED;
        public String callerId;
        public long callerIdLength;
        public Pointer parent, userData, destroy, isCancelled;
        public long minIntervalNs;
        public Pointer owner;

        public JobDesc() {
            setStringEncoding("UTF-8"); // whatever the locale
            structSize = size();
        }
    }

    @FieldOrder({"structSize", "reserved", "done", "total", "fraction", "timeLeftNs", "over", "late"})
    class JobProgress extends Structure {
        public int structSize = size();
        public int reserved;
        public long done, total;
        public double fraction;
        public long timeLeftNs, over, late;
    }

    @FieldOrder({"structSize", "told", "token", "jobToken", "job"})
    class LibraryCall extends Structure {
        public int structSize = size();
        public int told;
        public Pointer token, jobToken, job;
    }

    @FieldOrder({"structSize", "reserved", "liveTokens", "liveJobs", "liveContexts", "others"})
    class Stats extends Structure {
        public int structSize;
        public int reserved;
        public long liveTokens, liveJobs, liveContexts;
        public long[] others = new long[15];

        public Stats() {
            structSize = size(); // the size is known only after the array was made
        }
    }

    /** The one instance of the process. */
    DccCancel LIBRARY = load();

    private static DccCancel load() {
        String loaded = Loader.loadedFile();
        String file = loaded != null ? loaded : System.getenv("DCC_CANCEL_LIBRARY");
        DccCancel library = Native.load(file != null ? file : Loader.NAME, DccCancel.class);
        if (library.dcc_abi_version() >>> 16 != ABI_MAJOR)
            throw new UnsatisfiedLinkError("dcc-cancel has another ABI");
        if (library.dcc_instance_check() != 0)
            throw new UnsatisfiedLinkError("a second copy of dcc-cancel was loaded");
        return library;
    }

    /** Returns a status of 0 or more. A negative status is thrown with the library's text. */
    static int check(int status) {
        if (status >= 0)
            return status;
        byte[] text = new byte[1024];
        LIBRARY.dcc_last_error(text, text.length, null);
        throw new IllegalStateException(
                "dcc-cancel: " + Native.toString(text, "UTF-8") + " (status " + status + ")");
    }

    /** How many tokens, jobs and contexts live in the process. */
    static long liveHandles() {
        Stats stats = new Stats();
        check(LIBRARY.dcc_stats_read(stats));
        return stats.liveTokens + stats.liveJobs + stats.liveContexts;
    }

    /**
     * Finds an instance that the host or a plugin has loaded, because all of a process must share one. dlopen
     * of the bare name finds it by its SONAME wherever its file is, and with RTLD_NOLOAD it finds nothing
     * else. JNA itself would look for a file in the system's folders first, so it gets the path of the
     * instance that was found. On Windows Native.load("dcc_cancel") finds an instance that is loaded.
     */
    interface Loader extends Library {
        String NAME = "libdcc_cancel.so.2";
        int RTLD_NOW = 2, RTLD_NOLOAD = 4;

        Pointer dlopen(String name, int flags);
        Pointer dlsym(Pointer library, String name);
        int dladdr(Pointer address, Pointer outInfo);

        static String loadedFile() {
            Loader loader = Native.load(Loader.class);
            Pointer library = loader.dlopen(NAME, RTLD_NOW | RTLD_NOLOAD);
            if (library == null)
                return null;
            try (Memory info = new Memory(4 * Native.POINTER_SIZE)) { // Dl_info: the file's name first
                return loader.dladdr(loader.dlsym(library, "dcc_abi_version"), info) != 0
                    ? info.getPointer(0).getString(0) : null;
            }
        }
    }
}
