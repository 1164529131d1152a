"""The actions of an agent with the tools of a server, and their expected results.

A server has the tools of examples/mcp_server/tools.py. `last_partial_result` tells of a cancelled call:
`done` and `done_at_cancel`, how far the native loop was at its end and when the cancel arrived; `asked`;
`reason`; `ways`, on which the cancel came.
"""

import asyncio
import os
import zlib

from peer import HANG_SECONDS, CallFailed, RunningCall

# More steps than any machine makes during a test.
FOR_EVER = 1_000_000_000
A_WHILE = 20_000


async def progress_is_shown(scene):
    call = RunningCall(scene.peer, "long_execution", "whole", count=A_WHILE)
    result = await call.task
    assert result["done"] == result["asked"] == A_WHILE, result
    values = [progress for progress, _ in call.notes]
    assert len(values) > 1 and values == sorted(set(values)), values
    assert values[-1] == A_WHILE, values
    # The first note may come before the tool has said how much there is.
    assert all(value <= total == A_WHILE for value, total in call.notes if value), call.notes


async def cancelled_by_message(scene, label="by message", reason="User pressed Esc"):
    call = RunningCall(scene.peer, "long_execution", label, count=FOR_EVER)
    await call.first_progress()
    await scene.peer.send_cancelled(call.id, reason)
    # The reason is cut to the length of the library's texts.
    await scene.assert_stopped(call, reason[:4096])
    if scene.answer is None:
        # No answer comes: the client has to stop waiting by itself.
        assert not call.task.done(), call.task
        await scene.peer.abort(call)
    else:
        await scene.assert_failed(call, scene.answer)


async def cancelled_for_a_long_reason(scene):
    await cancelled_by_message(scene, "long reason", "x" * 5000)


async def cancelled_by_abort(scene):
    call = RunningCall(scene.peer, "long_execution", "by abort", count=FOR_EVER)
    await call.first_progress()
    reason = await scene.peer.abort(call)
    await scene.assert_stopped(call, reason)


async def cancelled_by_timeout(scene):
    call = RunningCall(scene.peer, "long_execution", "by timeout", timeout=0.7, count=FOR_EVER)
    await scene.assert_failed(call, scene.timed_out)
    await scene.assert_stopped(call, "timed out after 0.7s")


async def a_file_is_read_to_its_end(scene):
    path = os.path.join(scene.folder, "small")
    content = os.urandom(3 * 64 * 1024 + 7)
    with open(path, "wb") as file:
        file.write(content)
    result = await scene.peer.call("process_large_file", {"path": path})
    assert result["done"] == len(content), result
    assert result["result"] == str(zlib.crc32(content)), result


async def a_file_that_is_not_there_is_an_error(scene):
    path = os.path.join(scene.folder, "nowhere")
    try:
        result = await scene.peer.call("process_large_file", {"path": path})
    except CallFailed as error:
        assert path in error.message, error
    else:
        raise AssertionError(f"a file that is not there gave {result}")


async def reading_a_file_is_cancelled(scene):
    path = os.path.join(scene.folder, "large")
    with open(path, "wb") as file:
        file.truncate(1 << 38)
    call = RunningCall(scene.peer, "process_large_file", "file", path=path)
    await call.first_progress()
    assert (await scene.peer.call("open_resources", {}))["open"] == 1
    reason = await scene.peer.abort(call)
    await scene.assert_stopped(call, reason, step=64 * 1024)


async def the_middle_one_of_three_is_cancelled(scene):
    first = RunningCall(scene.peer, "long_execution", "first", count=2 * A_WHILE)
    middle = RunningCall(scene.peer, "long_execution", "middle", count=FOR_EVER)
    last = RunningCall(scene.peer, "long_execution", "last", count=2 * A_WHILE)
    for call in (first, middle, last):
        await call.first_progress()
    assert not first.task.done() and not last.task.done()
    reason = await scene.peer.abort(middle)
    await scene.assert_stopped(middle, reason)
    for call in (first, last):
        assert (await call.task)["done"] == 2 * A_WHILE


async def a_cancel_after_the_end_changes_nothing(scene):
    call = RunningCall(scene.peer, "long_execution", "ended", count=10)
    assert (await call.task)["done"] == 10
    await scene.peer.send_cancelled(call.id, "too late")
    after = RunningCall(scene.peer, "long_execution", "after", count=10)
    assert (await after.task)["done"] == 10
    for over in (call, after):
        partial = await scene.peer.call("last_partial_result", {"label": over.label})
        assert not partial["found"], partial
        assert len(scene.transcript.answers(scene.peer.name, over.id)) == 1


async def two_sessions_use_the_same_id(scene):
    one, other = (
        RunningCall(peer, "long_execution", f"of {peer.name}", count=count)
        for peer, count in zip(scene.both, (FOR_EVER, 2 * A_WHILE))
    )
    await one.first_progress()
    await other.first_progress()
    assert one.id == other.id, (one.id, other.id)
    assert not other.task.done()
    reason = await one.peer.abort(one)
    await scene.assert_stopped(one, reason)
    assert (await other.task)["done"] == 2 * A_WHILE


async def an_ended_connection_takes_its_calls_with_it(scene):
    async with scene.connect("a client that leaves") as leaving:
        call = RunningCall(leaving, "long_execution", "left behind", count=FOR_EVER)
        await call.first_progress()
        request_id = call.id
    partial = await scene.until(lambda: scene.partial_of(call, scene.peer))
    assert str(partial["request_id"]) == str(request_id), partial
    assert 0 < partial["done"] < FOR_EVER, partial
    assert 0 <= partial["done"] - partial["done_at_cancel"] <= 2, partial
    # Without sessions the server notices the end of the exchange, and not that of a connection.
    assert partial["ways"][0] == ("task" if scene.arrives_as == "task" else scene.ends_as), partial
    call.task.cancel()  # not every client ends it
    await asyncio.gather(call.task, return_exceptions=True)


OF_ONE = (
    progress_is_shown,
    cancelled_by_message,
    cancelled_for_a_long_reason,
    cancelled_by_abort,
    cancelled_by_timeout,
    a_file_is_read_to_its_end,
    a_file_that_is_not_there_is_an_error,
    reading_a_file_is_cancelled,
    the_middle_one_of_three_is_cancelled,
    a_cancel_after_the_end_changes_nothing,
)
OF_TWO = (two_sessions_use_the_same_id, an_ended_connection_takes_its_calls_with_it)


class Scene:
    """Who takes part, and what their protocol version and transport promise."""

    def __init__(self, peers, connect, transcript, folder, answer, arrives_as, ends_as, timed_out):
        self.both = peers
        self.peer = peers[0]
        self.connect = connect
        self.transcript = transcript
        self.folder = folder
        self.answer = answer
        self.timed_out = timed_out
        self.arrives_as = arrives_as
        self.ends_as = ends_as
        self._stopped = []

    async def play(self, scenario):
        self.transcript.scenario(scenario.__name__)
        await asyncio.wait_for(self._play_to_its_end(scenario), HANG_SECONDS)
        print(f"passed: {scenario.__name__}", flush=True)

    async def _play_to_its_end(self, scenario):
        await scenario(self)
        # After any cancel the server continues to work, and has released what it used.
        short = await self.peer.call("short_execution", {"topic": scenario.__name__})
        assert short["done"] == short["asked"] > 0, short
        await self.until(self._all_given_back)

    async def assert_failed(self, call, code):
        try:
            result = await call.task
        except CallFailed as error:
            assert error.code == code, f"{call.label}: {error}, not {code}"
        else:
            raise AssertionError(f"{call.label} was answered with {result}")

    async def assert_stopped(self, call, reason, step=1):
        """The native loop stopped at its next poll, and what it had done was kept."""
        partial = await self.until(lambda: self.partial_of(call, call.peer))
        assert 0 < partial["done"] < partial["asked"], partial
        # The step that was under way, and one that may have begun as the cancel was on its way to this
        # processor.
        late = partial["done"] - partial["done_at_cancel"]
        assert 0 <= late <= 2 * step, partial
        # FastMCP represents ids as texts.
        assert str(partial["request_id"]) == str(call.id), partial
        assert partial["ways"][0] == self.arrives_as, partial
        if self.arrives_as == "message":
            assert partial["reason"] == reason, partial
        else:
            assert partial["reason"] == "the stream of the response ended", partial
        print(
            f"{call.label}: stopped after {partial['done']} of {partial['asked']}, {late} past the "
            f"cancel, seen after {partial['cancel_to_seen_ns'] / 1000:.0f} us"
        )
        if self.answer is not None:
            await self.until(lambda: self._answers_to(call))
        self._stopped.append(call)

    def assert_answered_as_promised(self):
        """In the end: each cancelled request has one error, or nothing, and never a result; and no
        progress was shown of what had been answered."""
        for call in self._stopped:
            answers = self.transcript.answers(call.peer.name, call.id)
            if self.answer is None:
                assert answers == [], (call.label, answers)
            else:
                codes = [answer.get("error", {}).get("code") for answer in answers]
                assert codes == [self.answer], (call.label, answers)

        for peer in self.both:
            late = self.transcript.progress_after_the_answer(peer.name)
            assert not late, late

    async def partial_of(self, call, peer):
        partial = await peer.call("last_partial_result", {"label": call.label})
        return partial if partial["found"] else None

    async def _answers_to(self, call):
        return self.transcript.answers(call.peer.name, call.id)

    async def _all_given_back(self):
        return (await self.peer.call("open_resources", {}))["open"] == 0

    async def until(self, asked):
        """Asks again until there is an answer; the scenario's time is the limit."""
        while True:
            answer = await asked()
            if answer:
                return answer
            await asyncio.sleep(0.01)
