import com.sun.jna.Function;
import com.sun.jna.Library;
import com.sun.jna.Pointer;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;

/**
 * A call of a native library that asks a function of its caller now and then: give it ASK and data, and no
 * Java runs in its callback.
 */
final class NativeCall {
    static final Function ASK = ((Library.Handler) Proxy.getInvocationHandler(DccCancel.LIBRARY))
            .getNativeLibrary().getFunction("dcc_library_call_ask");

    final Pointer data;

    NativeCall() {
        DccCancel.LibraryCall call = new DccCancel.LibraryCall();
        DccCancel.check(DccCancel.LIBRARY.dcc_library_call_begin(call));
        data = call.getPointer();
    }

    /**
     * Says how the library has returned; a job that was stopped or has failed ends with its words. Whether
     * to go on.
     */
    boolean end(boolean succeeded, boolean wasAborted, String words) {
        byte[] text = words.getBytes(StandardCharsets.UTF_8);
        return DccCancel.check(DccCancel.LIBRARY.dcc_library_call_end(
                data, succeeded ? 1 : 0, wasAborted ? 1 : 0, text, text.length)) == 0;
    }
}
