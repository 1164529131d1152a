"""Wrong use is refused at once, with the name of the argument, its value, and what to do."""

import asyncio
import concurrent.futures
import contextvars
import gc
import inspect
import re
import sys
import threading
import unittest
import warnings

import dcc_cancel
from dcc_cancel._arguments import shown
from helpers import ContextCase, Foreign, raised


class WithMethod:
    """Such as a task of asyncio."""

    def cancelled(self):
        return False


#: What no argument of a kind can be. The kind is its hint, without Optional; None is wrong where that is
#: missing. Each is refused by itself, whatever the other arguments are.
WRONG = {
    "str": [7, b"text", ["x"], "\ud800", "x" * 5000],
    "int": ["1", 0.5, -1, True, 1 << 70],
    "float": ["half", -1, float("nan"), float("inf"), True],
    "bool": ["no", 0, 1],
    "Seconds": ["5s", -1, float("nan"), True, [1]],
    "RequestId": [1.0, True, b"1", 1 << 63, "x" * 300],
    "Message": [7, object(), {"id": {1, 2}}, [object()]],
    "JobHandle": ["x", 7, object(), dcc_cancel.CancelToken, Foreign, WithMethod()],
    "CancellationProbe": ["x", object(), dcc_cancel.CancelToken, WithMethod()],
    "Job": ["x", dcc_cancel.CancelToken()],
    "Parent": ["x", object(), dcc_cancel.Job, WithMethod()],
    "Lane": ["fast", 7, ["normal"]],
    "Literal['interactive', 'normal', 'background']": ["fast", 7, ["normal"]],
    "Literal['stdio', 'http', 'tasks']": ["sse", 7],
    "Literal['silent', 'cancelled', 'as_asked']": [-32800, "loud"],
    "Literal['held', 'ignored']": ["maybe", True],
    "Iterable[Waited]": [dcc_cancel.CancelToken(), 7, [], ["x"], [dcc_cancel.CancelToken]],
    "Iterable[JobHandle]": [dcc_cancel.CancelToken(), 7, ["x"], [dcc_cancel.CancelToken]],
    "Literal['cancel_to_seen', 'cancel_to_end']": ["seen", 1],
    "Union[str, os.PathLike[str]]": [7, b"path", ""],
    "logging.Logger": ["dcc_cancel", 7],
    "Callable[[Event], object]": [3, "f"],
    "Wake": [3, "f"],
    "Veto": [3, True],
    "ShowProgress": [3, [1]],
    "Callable[[], object]": [3, "f"],
    "Callable[[Future[T]], object]": [3, "f"],
    "Callable[[Unpack[Ts]], Any]": [3, asyncio.sleep],
    "Callable[[Unpack[Ts]], T]": [3, asyncio.sleep],
    "Union[Callable[..., Any], Default]": [3, None, asyncio.sleep],
    "Callable[P, T]": [3, asyncio.sleep],
    "TokenReset": [7, "x"],
    "Mapping[str, Any]": [7, "{}", [1], {"a": object()}],
    "JobReset": [7, "x"],
    "concurrent.futures.Executor": ["x", 7],
}

#: What is right, for the arguments that a call must have.
RIGHT = {
    "function": len,
    "fn": len,
    "tokens": [dcc_cancel.CancelToken()],
    "other": Foreign(),
    "parent": dcc_cancel.CancelToken(),
    "token": None,
    "job": None,
    "id": 1,
    "seconds": 1,
    "message": "{}",
    "done": 1,
    "caller_id": "x",
    "reset": None,
    "path": "recorded.json",
    "which": "cancel_to_seen",
    "weight": 25,
    "total": 100,
}

#: Made by others than their users, or nothing to be called.
NOT_FOR_USERS = {
    "CancellationProbe", "Event", "JobHandle", "JobThread", "Latency", "Message", "MessageOutcome", "PollGap",
    "PollPlace", "Posting", "Progress", "Registration", "Request", "RequestId", "Seconds", "Tick",
}  # fmt: skip


def posting():
    dispatcher = dcc_cancel.Dispatcher()
    made = dispatcher.post(len, "x")
    # The dispatcher is kept, because the job waits for its turn as long as the dispatcher lives.
    made.dispatcher = dispatcher
    return made


def request():
    return dcc_cancel.Session().begin(1)


def share():
    made = dcc_cancel.progress(100)
    made.__enter__()
    return made


#: How to have one.
MADE = {
    dcc_cancel.CancelToken: dcc_cancel.CancelToken,
    dcc_cancel.Job: dcc_cancel.Job,
    dcc_cancel.Session: dcc_cancel.Session,
    dcc_cancel.Dispatcher: dcc_cancel.Dispatcher,
    dcc_cancel.Request: request,
    dcc_cancel.Observer: dcc_cancel.Observer,
    dcc_cancel.Posting: posting,
    dcc_cancel.progress: share,
    dcc_cancel.Registration: lambda: dcc_cancel.CancelToken().add_callback(len),
}


def members(kind):
    """The public members that this package wrote."""
    for name in dir(kind):
        value = inspect.getattr_static(kind, name)
        inner = getattr(value, "__func__", getattr(value, "fget", value))
        if not name.startswith("_") and getattr(inner, "__module__", "").startswith("dcc_cancel"):
            yield name, value


def public_calls():
    """The name, the signature, and how to call, of all that users call."""
    for name in dcc_cancel.__all__:
        value = getattr(dcc_cancel, name)
        is_error = isinstance(value, type) and issubclass(value, BaseException)
        if not callable(value) or is_error:
            continue
        if name not in NOT_FOR_USERS:
            yield name, inspect.signature(value), value
        if value in MADE:
            for member, found in members(value):
                if isinstance(found, property):
                    continue
                signature = inspect.signature(getattr(MADE[value](), member))

                def call(*arguments, _made=MADE[value], _member=member, **keywords):
                    return getattr(_made(), _member)(*arguments, **keywords)

                yield "%s.%s" % (name, member), signature, call


def kind_of(parameter):
    """Its hint, and whether it may be None."""
    hint = parameter.annotation
    # Python 3.7 writes it with the parentheses of a tuple.
    hint = hint.replace("Literal[(", "Literal[").replace(")]", "]")
    found = re.match(r"^Optional\[(.*)\]$", hint)
    return (found.group(1), True) if found else (hint, False)


def wrong_values(parameter):
    kind, may_be_none = kind_of(parameter)
    values = WRONG[kind]
    if kind == "Parent":
        may_be_none = True
    return values if may_be_none or None in values or kind == "CancellationProbe" else values + [None]


def is_accepted(name, wrong):
    """A current job may be anything, as in `dcc_mcp_core`, unless it would always be cancelled."""
    return name == "set_current_job" and not hasattr(wrong, "cancelled") and wrong is not Foreign


def needed(name, signature):
    """What must be given, rightly."""
    arguments = {
        each.name: RIGHT[each.name]
        for each in signature.parameters.values()
        if each.default is each.empty and each.kind is not each.VAR_POSITIONAL
    }
    # One of two arguments is needed, which no signature can say.
    return dict(arguments, progress=1) if name == "Request.set_progress" else arguments


def finished(value):
    """What an async function comes to."""
    return asyncio.run(value) if inspect.iscoroutine(value) else value


class Arguments(ContextCase):
    leaves_things = True

    def test_each_wrong_value_of_each_argument_is_told(self):
        told = 0
        for name, signature, call in public_calls():
            for parameter in signature.parameters.values():
                if parameter.kind is parameter.VAR_POSITIONAL:
                    continue
                for wrong in wrong_values(parameter):
                    if is_accepted(name, wrong):
                        continue
                    with self.subTest(call=name, argument=parameter.name, value=shown(wrong)):
                        arguments = needed(name, signature)
                        arguments[parameter.name] = wrong
                        self.assert_told(call, arguments, parameter.name)
                        told += 1
        # Requests that were kept by the errors are dropped here.
        gc.collect()
        self.assertGreater(told, 300)

    def assert_told(self, call, arguments, argument):
        wrong = arguments[argument]
        error = raised(lambda: finished(call(**arguments)))
        self.assertIsInstance(error, (TypeError, ValueError))
        text = str(error)
        self.assertTrue(text.startswith(argument), text)
        value = wrong[0] if isinstance(wrong, list) and "[0]" in text else wrong
        self.assertIn(shown(value), text)
        self.assertNotRegex(text, r"dcc_[a-z_]*(desc|length)|_ns\b|NULL|ctypes")

    def test_every_argument_has_a_hint(self):
        for name, signature, _ in public_calls():
            self.assertIsNot(signature.return_annotation, signature.empty, name)
            for parameter in signature.parameters.values():
                self.assertIsNot(parameter.annotation, parameter.empty, name)

    def test_signatures_can_be_read(self):
        for name, signature, _ in public_calls():
            self.assertNotRegex(str(signature), "<object object|0x[0-9a-f]+", name)
        self.assertIn("<what is current>", str(inspect.signature(dcc_cancel.Dispatcher.post)))


class Closed(ContextCase):
    #: What of a closed object is harmless, or can still be asked.
    HARMLESS = {
        "CancelToken.caller_id", "CancelToken.close", "CancelToken.job_id", "Dispatcher.close",
        "Job.caller_id", "Job.close", "Job.job_id", "Observer.close", "Registration.close",
        "Registration.unregister",
        "Request.cancelled", "Request.cause", "Request.check", "Request.close", "Request.id",
        "Request.job_id", "Request.reason", "Request.token",
    }  # fmt: skip

    def test_what_is_closed_says_what_it_was_and_what_to_do(self):
        told = 0
        for kind, make in MADE.items():
            if kind in (dcc_cancel.Posting, dcc_cancel.Session, dcc_cancel.progress):
                # No posting and no share can be closed, and the close of a session is that of its connection.
                continue
            for name, found in list(members(kind)) + [("handle", None)]:
                if "%s.%s" % (kind.__name__, name) in self.HARMLESS:
                    continue
                if isinstance(found, (classmethod, staticmethod)):
                    continue
                thing = make()
                if kind is dcc_cancel.Request:
                    thing.end()
                thing.close()
                with self.subTest(kind=kind.__name__, name=name):
                    error = raised(lambda: self.use(thing, name))
                    self.assertIsInstance(error, dcc_cancel.ClosedError)
                    text = "this %s was closed, by its close()" % kind.__name__
                    self.assertIn(text, str(error))
                    self.assertIn("make a new one", str(error))
                    told += 1
        self.assertGreater(told, 30)

    @staticmethod
    def use(thing, name):
        value = getattr(thing, name)
        result = value(**needed("%s.%s" % (type(thing).__name__, name), inspect.signature(value)))
        if inspect.isasyncgen(result):

            async def first():
                return await result.__anext__()

            asyncio.run(first())


class Seeming(ContextCase):
    """What looks as if it worked."""

    def test_a_budget_in_milliseconds(self):
        ui = dcc_cancel.Dispatcher(bind_later=True)
        for wrong in (8, 8.0, 1, 100):
            text = str(raised(ui.pump, wrong))
            self.assertIn("budget must be a number of seconds less than 1; it is %r" % wrong, text)
            self.assertIn("budget=%r" % (wrong / 1000), text)
        # A refused call does not bind the dispatcher to this thread.
        pumped = []
        thread = threading.Thread(target=lambda: pumped.append(ui.pump(0.008)))
        thread.start()
        thread.join()
        self.assertEqual(pumped[0].executed, 0)

    def test_a_message_that_was_parsed(self):
        session = dcc_cancel.Session(kind="stdio")
        number = session.begin(7)
        big = session.begin((1 << 63) - 1)
        text = session.begin("ä\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"))

        def cancel(id):
            params = {"requestId": id, "reason": "parsed"}
            return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}

        self.assertEqual(session.handle_message(cancel(7)), "cancelled")
        outcome = session.handle_message([cancel(big.id), cancel(text.id)])
        self.assertEqual((number.reason, big.reason, text.reason), ("parsed",) * 3, outcome)
        self.assertEqual(session.handle_message({"method": "notifications/cancelled"}), "malformed")
        self.assertEqual(session.handle_message({"jsonrpc": "2.0", "id": 9, "result": {}}), "other")

    def test_a_caller_id_is_a_job_id(self):
        token = dcc_cancel.CancelToken(caller_id="7")
        self.assertEqual((token.job_id, token.caller_id), ("7", "7"))
        self.assertEqual(dcc_cancel.CancelToken("7", caller_id="7").job_id, "7")
        text = str(raised(lambda: dcc_cancel.CancelToken("7", caller_id="8")))
        self.assertIn("caller_id must be left out, or the same as job_id='7'; it is '8'", text)

    def test_a_request_that_nobody_keeps(self):
        session = dcc_cancel.Session()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            session.begin(3)
            with session.begin(4):
                pass
            ended = session.begin(5)
            ended.end()
            del ended
        self.assertEqual([each.category for each in caught], [ResourceWarning])
        self.assertIn("the request 3 was dropped before its end()", str(caught[0].message))
        self.assertIn("keep what begin() returns", str(caught[0].message))

    def test_an_id_that_is_in_use_is_named(self):
        session = dcc_cancel.Session()
        kept = session.begin("seven")
        self.assertIn("begin('seven'): ", str(raised(session.begin, "seven")))
        kept.end()

    def test_names_of_an_earlier_version(self):
        for thing, name, now in (
            (dcc_cancel.CancelToken(), "cancel_after", "set_deadline_after"),
            (dcc_cancel.CancelToken(), "disarm", "clear_deadline"),
            (dcc_cancel.Dispatcher(), "shutdown", "close"),
        ):
            text = str(raised(getattr, thing, name))
            self.assertIn("%s.%s is now called %s" % (type(thing).__name__, name, now), text)
            self.assertTrue(hasattr(thing, now))
            self.assertIn("no attribute 'cancelld'", str(raised(getattr, thing, "cancelld")))

    def test_a_job_in_the_wrong_state(self):
        job = dcc_cancel.Job("bake")
        for early in (job.complete, lambda: job.set_progress(1)):
            self.assertIn("begin it first, by `with job:`", str(raised(early)))
        with job:
            self.assertIn("it has begun already", str(raised(job.begin)))
        again = raised(job.begin)
        self.assertIsInstance(again, dcc_cancel.WrongStateError)
        self.assertIn("a job runs once, make a new one", str(again))
        self.assertEqual(again.status, -10)

    def test_resets(self):
        for set_it, reset_it, thing in (
            (dcc_cancel.set_cancel_token, dcc_cancel.reset_cancel_token, dcc_cancel.CancelToken()),
            (dcc_cancel.set_current_job, dcc_cancel.reset_current_job, dcc_cancel.Job()),
        ):
            reset = set_it(thing)
            elsewhere = raised(contextvars.Context().run, reset_it, reset)
            self.assertIn("reset was made in another context", str(elsewhere))
            reset_it(reset)
            again = raised(reset_it, reset)
            self.assertIsInstance(again, RuntimeError)
            text = "reset was used already; each call of %s gives one" % set_it.__name__
            self.assertIn(text, str(again))
        of_job = dcc_cancel.set_current_job(None)
        error = raised(dcc_cancel.reset_cancel_token, of_job)
        self.assertIn("reset comes from another function; pass what set_cancel_token", str(error))

    def test_what_can_be_current_is_asked_no_earlier(self):
        class Lazy:
            @property
            def cancelled(self):
                raise AssertionError("asked")

        dcc_cancel.set_cancel_token(Lazy())
        dcc_cancel.set_current_job(Lazy())
        dcc_cancel.set_cancel_token(Foreign())
        for wrong in (WithMethod(), concurrent.futures.Future()):
            text = str(raised(dcc_cancel.set_cancel_token, wrong))
            self.assertIn("its `cancelled` is a method", text)


if __name__ == "__main__":
    sys.exit(unittest.main())
