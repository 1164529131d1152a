import com.sun.jna.Function;
import com.sun.jna.Library;
import com.sun.jna.Pointer;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;

/**
 * A call of a native library that now and then calls a function of its caller to ask whether to stop. Give
 * the library ASK and the data, so that no Java code runs in the callback.
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
     * Tells how the library has returned. If it was stopped or has failed, the job ends with the library's
     * message. Answers whether to go on.
     */
    boolean end(boolean succeeded, boolean wasAborted, String words) {
        byte[] text = words.getBytes(StandardCharsets.UTF_8);
        return DccCancel.check(DccCancel.LIBRARY.dcc_library_call_end(
                data, succeeded ? 1 : 0, wasAborted ? 1 : 0, text, text.length)) == 0;
    }
}
