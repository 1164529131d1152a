"""Shows: a tool call on the host's UI thread, one slice in each tick. A message of an agent cancels it.

    cargo build --release
    DCC_CANCEL_LIBRARY=target/release/libdcc_cancel.so PYTHONPATH=python \
        python3 examples/python/cancel_from_python.py
"""

import threading

import dcc_cancel

CANCEL = (
    '{"jsonrpc": "2.0", "method": "notifications/cancelled",'
    ' "params": {"requestId": 7, "reason": "the user asked for something else"}}'
)


def smooth(frames):
    """The tool. Each `yield` ends a slice, so the UI stays alive."""
    job = dcc_cancel.current_job.get()
    for frame in range(frames):
        dcc_cancel.check_dcc_cancelled()
        # Call a plugin's function here: dcc_cancel.native(plugin.smooth)(frame) polls the same job.
        job.set_progress(frame + 1, frames)
        yield


def receive(session, message):
    """The transport calls this on its thread for each message that comes in."""
    print("notifications/cancelled for request 7:", session.handle_message(message))


def main():
    session = dcc_cancel.Session(replies="cancelled")  # one client's connection
    ui = dcc_cancel.Dispatcher()  # this thread pumps it

    request = session.begin(7)
    call = ui.post(smooth, 1000, label="smooth", parent=request)
    print("request %d began" % request.id)

    # The host's tick.
    while not call.done():
        ui.pump(budget=0.008)
        done, total, _ = call.job.progress
        if done == 3 and not request.cancelled:
            print("request %d is at %d of %d" % (request.id, done, total))
            transport = threading.Thread(target=receive, args=(session, CANCEL))
            transport.start()
            transport.join()

    print("request %d stopped at %d: %s" % (request.id, call.job.progress.done, request.reason))
    if request.end() == "cancelled":
        print("the peer gets", request.cancelled_reply())
    ui.close()
    session.close()


if __name__ == "__main__":
    main()
