import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.util.stream.Stream;

/**
 * The token of a result that several jobs wait for. It is cancelled when the last of them is cancelled or
 * gone. Release it by try-with-resources.
 */
final class SharedToken implements AutoCloseable {
    private final Pointer handle;

    SharedToken(Job... jobs) {
        Pointer[] parents = Stream.of(jobs).map(Job::token).toArray(Pointer[]::new);
        PointerByReference out = new PointerByReference();
        DccCancel.check(DccCancel.LIBRARY.dcc_cancel_token_create_all(parents, parents.length, out));
        handle = out.getValue();
    }

    boolean isCancelled() {
        return DccCancel.check(DccCancel.LIBRARY.dcc_cancel_token_is_cancelled(handle)) != 0;
    }

    @Override public void close() {
        DccCancel.check(DccCancel.LIBRARY.dcc_cancel_token_release(handle));
    }
}
