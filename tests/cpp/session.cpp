// Sessions and requests: a peer cancels by id and by message, and the answer that it is owed at the end. Also
// compiled without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"

#include <atomic>
#include <cmath>
#include <map>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

constexpr const char *cancels_seven =
    R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"no"}})";
constexpr const char *cancels_text_seven =
    R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"7"}})";

void ids_keep_their_type()
{
    const dcc::request_id integer = 7, text = "7";
    EXPECT(!integer.is_text() && integer.integer() == 7 && integer.text().empty());
    EXPECT(text.is_text() && text.integer() == 0 && text.text() == "7");
    EXPECT(integer != text && integer == dcc::request_id(7L) && text == std::string("7"));
    EXPECT(integer < text && !(text < integer) && dcc::request_id(-1) < integer);
    EXPECT(dcc::request_id(std::string_view("a")) < dcc::request_id("b"));
    EXPECT(dcc::request_id(INT64_MIN).get().integer == INT64_MIN);
    EXPECT(integer.get().type == DCC_ID_INTEGER && text.get().type == DCC_ID_TEXT);
    std::map<dcc::request_id, int> by_id = {{7, 1}, {"7", 2}};
    EXPECT(by_id.at(7) == 1 && by_id.at("7") == 2);
    // A type that would be converted silently is not accepted as an id.
    static_assert(!std::is_convertible_v<std::uint64_t, dcc::request_id>);
    static_assert(!std::is_convertible_v<double, dcc::request_id>);
    static_assert(!std::is_convertible_v<bool, dcc::request_id>);
    static_assert(!std::is_convertible_v<char, dcc::request_id>);
}

void a_message_cancels_the_request_that_it_names()
{
    const dcc::session session = dcc::session::create();
    EXPECT(session && session.get() != nullptr);
    const dcc::request integer = session.begin(7), text = session.begin("7");
    EXPECT(session.handle_message(cancels_seven) == dcc::message_outcome::cancelled);
    EXPECT(integer.is_cancelled() && !text.is_cancelled());
    EXPECT(integer.token().reason() == "no" && integer.token().cause() == dcc::cause::request);
    EXPECT(session.is_cancelled(7) && !session.is_cancelled("7") && !session.is_cancelled(8));
    EXPECT(session.reason(7) == "no" && session.reason("7").empty());
    EXPECT(integer.end() == dcc::owed::nothing && text.end() == dcc::owed::result);
    EXPECT(integer.end() == dcc::owed::nothing); // again, the same
    dcc::owed owed = dcc::owed::cancelled;
    EXPECT(text.try_end(owed) == DCC_ALREADY_ENDED && owed == dcc::owed::result);
    EXPECT(integer.cancelled_reply().empty());
}

void every_outcome_of_a_message_has_a_name()
{
    dcc::session_options options;
    options.kind = dcc::session_kind::http;
    const dcc::session session = dcc::session::create(options);
    dcc::request_options opening;
    opening.cancellable = false;
    const dcc::request initialize = session.begin("7", opening);
    using outcome = dcc::message_outcome;
    EXPECT(session.handle_message(cancels_text_seven) == outcome::without_effect);
    EXPECT(session.handle_message(cancels_seven) == outcome::held);
    EXPECT(session.handle_message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})") == outcome::other);
    EXPECT(session.handle_message("{") == outcome::malformed);
    EXPECT(session.handle_message({}) == outcome::malformed);
    EXPECT(initialize.end() == dcc::owed::result);
    EXPECT(dcc::session::create().handle_message(cancels_seven) == outcome::unknown);
    std::optional<dcc::request_id> meant;
    session.handle_message(cancels_seven, &meant);
    EXPECT(meant == dcc::request_id(7));
    session.handle_message(cancels_text_seven, &meant);
    EXPECT(meant == dcc::request_id("7"));
    session.handle_message("{}", &meant);
    EXPECT(!meant);
    const std::string longest(DCC_MAX_REQUEST_ID_LENGTH, 'x');
    session.handle_message(R"({"method":"$/cancelRequest","params":{"id":")" + longest + R"("}})", &meant);
    EXPECT(meant == dcc::request_id(longest));
    outcome untouched = outcome::held;
    EXPECT(dcc::session().try_handle_message(untouched, cancels_seven) < 0);
    EXPECT(dcc::session().try_handle_message(untouched, cancels_seven, &meant) < 0);
    EXPECT(untouched == outcome::held && meant == dcc::request_id(longest));
    const dcc::session_stats stats = session.stats();
    EXPECT(stats.begun == 1 && stats.live == 0 && stats.kept == 2);
    // A second cancel with a held id adds nothing, and a cancel of an ended request comes too late.
    EXPECT(stats.early == 2 && stats.without_effect == 2 && stats.malformed == 2 && stats.others == 2);
    EXPECT(stats.cancelled == 0 && stats.unknown == 1 && stats.forgotten == 0);
}

void a_task_is_cancelled_by_a_message_of_its_own()
{
    dcc::session_options options;
    options.kind = dcc::session_kind::tasks;
    const dcc::session tasks = dcc::session::create(options);
    const dcc::request task = tasks.begin("7");
    EXPECT(tasks.handle_message(cancels_text_seven) == dcc::message_outcome::other);
    EXPECT(tasks.handle_message(R"({"id":1,"method":"tasks/cancel","params":{"taskId":"7"}})") ==
           dcc::message_outcome::cancelled);
    EXPECT(task.is_cancelled() && task.end() == dcc::owed::nothing);
}

void what_a_peer_says_of_a_request_reaches_its_jobs()
{
    const dcc::session session = dcc::session::create();
    const std::string span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const std::string meta = R"({"dcc-cancel/timeoutMs":3600000,"traceparent":")" + span + "\"}";
    dcc::request_options options;
    options.meta = meta;
    const dcc::request request = session.begin(1, options);
    dcc::job_options of_job;
    of_job.parent = request.token();
    const dcc::job job = dcc::job::create(of_job);
    EXPECT(request.token().trace_parent() == span && job.token().trace_parent() == span);
    EXPECT(session.begin(2).token().trace_parent().empty() && dcc::token().trace_parent().empty());
    EXPECT(request.end() == dcc::owed::result);
}

void a_cancel_that_is_held_is_for_the_next_request_of_its_id()
{
    dcc::session_options options;
    options.early = dcc::early_cancels::held;
    const dcc::session session = dcc::session::create(options);
    EXPECT(session.try_cancel(7, "changed my mind") == DCC_HELD);
    EXPECT(session.query(7) == dcc::request_state::held && session.is_cancelled(7) &&
           session.reason(7) == "changed my mind");
    EXPECT(session.begin(7).token().reason() == "changed my mind");
    options.kind = dcc::session_kind::http;
    options.early = dcc::early_cancels::ignored;
    const dcc::session ignoring = dcc::session::create(options);
    EXPECT(ignoring.try_cancel(7) == DCC_NOT_FOUND && !ignoring.begin(7).is_cancelled());
    options.early = dcc::early_cancels::held;
    options.early_ttl = std::chrono::nanoseconds(1);
    const dcc::session impatient = dcc::session::create(options);
    EXPECT(!impatient.cancel(7));
    const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    while (std::chrono::steady_clock::now() < later)
        std::this_thread::yield();
    EXPECT(!impatient.begin(7).is_cancelled());
}

void what_is_remembered_is_cleared_and_swept()
{
    const dcc::session session = dcc::session::create();
    for (const int id : {1, 2, 3}) {
        const dcc::request request = session.begin(id);
        EXPECT(session.cancel(id) && !session.cancel(id));
        request.end();
    }
    EXPECT(session.clear(1) && !session.clear(1));
    EXPECT(!session.is_cancelled(1) && session.query(2) == dcc::request_state::ended_cancelled);
    EXPECT(session.sweep(std::chrono::hours(1)) == 0);
    EXPECT(session.sweep(std::chrono::seconds(0)) == 2);
    EXPECT(session.stats().kept == 0 && session.stats().cancelled == 3);
}

void the_reply_has_the_ids_type()
{
    dcc::session_options options;
    options.replies = dcc::reply_policy::cancelled;
    const dcc::session session = dcc::session::create(options);
    const dcc::request request = session.begin("7\n");
    EXPECT(request.cancelled_reply().empty());
    EXPECT(request.cancel("why") && !request.cancel() && request.token().reason() == "why");
    EXPECT(request.try_cancel() == DCC_ALREADY_CANCELLED);
    EXPECT(request.end() == dcc::owed::cancelled);
    EXPECT(request.try_cancel() == DCC_ALREADY_ENDED && !request.cancel());
    EXPECT(request.cancelled_reply() ==
           R"({"jsonrpc":"2.0","id":"7\n","error":{"code":-32800,"message":"Request cancelled"}})");
    // This is longer than the buffer that is tried first: no message may be cut.
    const std::string control(DCC_MAX_REQUEST_ID_LENGTH, '\1');
    const dcc::request longest = session.begin(control);
    EXPECT(session.cancel(control));
    const std::string reply = longest.cancelled_reply();
    EXPECT(reply.size() > 6 * control.size() && reply.substr(reply.size() - 2) == "}}");
}

void a_parent_cancels_too_and_then_the_peer_is_told()
{
    const dcc::session session = dcc::session::create();
    dcc::request_options options;
    options.parent = dcc::token::create();
    const dcc::request request = session.begin(7, options);
    EXPECT(options.parent.cancel("the host shuts down"));
    EXPECT(request.is_cancelled() && request.end() == dcc::owed::cancelled);
    EXPECT(request.cancelled_reply().find("-32802") != std::string::npos);
}

void jobs_of_a_request_are_cancelled_with_it()
{
    const dcc::session session = dcc::session::create();
    const dcc::request request = session.begin(7);
    dcc::job_options options;
    options.parent = request.token();
    const dcc::job job = dcc::job::create(options);
    bool is_told = false;
    dcc::cancel_callback callback(request.token(), [&is_told] { is_told = true; });
    EXPECT(!job.is_cancelled() && session.cancel(7, "enough"));
    EXPECT(job.is_cancelled() && job.token().reason() == "enough" && is_told);
}

void a_request_that_is_forgotten_frees_its_id()
{
    const dcc::session session = dcc::session::create();
    dcc::token token;
    {
        const dcc::request first = session.begin(7);
        dcc::request copy = first;
        token = copy.token();
        EXPECT(copy == first);
        copy.reset();
        dcc::request refused;
        EXPECT(session.try_begin(refused, 7) == DCC_ERROR_DUPLICATE && !refused);
    }
    EXPECT(session.stats().live == 0);
    const dcc::request second = session.begin(7);
    EXPECT(second && session.cancel(7) && second.is_cancelled() && !token.is_cancelled());
}

void handles_of_c_are_taken_over_and_shared()
{
    const dcc::session session = dcc::session::create();
    dcc::request request = session.begin(7);
    const dcc::request shared = dcc::request::share(request.get());
    const dcc::request adopted = dcc::request::adopt(request.detach());
    EXPECT(!request && shared == adopted);
    EXPECT(request.end() == dcc::owed::nothing && !request.cancel() && !request.is_cancelled());
    EXPECT(request.cancelled_reply().empty() && !request.token());
    dcc::owed untouched = dcc::owed::result;
    EXPECT(request.try_end(untouched) < 0 && untouched == dcc::owed::result);
    EXPECT(shared.end() == dcc::owed::result && adopted.end() == dcc::owed::result);
}

void sessions_move_and_close_at_their_end()
{
    dcc::session session = dcc::session::create();
    const dcc::request first = session.begin(1);
    dcc::session moved = std::move(session);
    EXPECT(!session && moved && moved.cancel(1));
    const dcc::request second = moved.begin(2);
    moved = dcc::session::create(); // closes what it was
    EXPECT(second.is_cancelled() && second.end() == dcc::owed::nothing);
    const dcc::request third = moved.begin(2);
    EXPECT(!third.is_cancelled() && moved.close() == DCC_OK && third.is_cancelled());
    EXPECT(moved.stats().is_closed && moved.stats().cancelled == 1 && moved.close() == DCC_OK);
    dcc::request refused;
    EXPECT(moved.try_begin(refused, 3) == DCC_ERROR_SHUTDOWN && !refused);
    static_assert(!std::is_copy_constructible_v<dcc::session>);
    dcc::request last;
    {
        const dcc::session scoped = dcc::session::create();
        last = scoped.begin(1);
    }
    EXPECT(last.is_cancelled() && last.end() == dcc::owed::nothing);
}

void quotas_and_kinds_of_ids_are_settable()
{
    dcc::session_options options;
    options.ids_are_texts = true;
    options.max_requests = 1;
    options.max_kept = 1;
    const dcc::session session = dcc::session::create(options);
    {
        const dcc::request request = session.begin(7);
        dcc::request refused;
        EXPECT(session.try_begin(refused, 8) == DCC_ERROR_OVERLOADED);
        EXPECT(session.handle_message(cancels_text_seven) == dcc::message_outcome::cancelled);
        request.end();
    }
    const dcc::request request = session.begin(8);
    EXPECT(session.cancel(8));
    request.end();
    EXPECT(session.stats().kept == 1 && session.stats().forgotten == 1);
    options.max_requests = DCC_MAX_SESSION_QUOTA + 1;
    dcc::session refused;
    EXPECT(dcc::session::try_create(refused, options) == DCC_ERROR_INVALID_ARGUMENT && !refused);
}

void one_id_in_two_sessions_is_two_requests()
{
    const dcc::session one = dcc::session::create(), other = dcc::session::create();
    const dcc::request of_one = one.begin(7), of_other = other.begin(7);
    EXPECT(one.handle_message(cancels_seven) == dcc::message_outcome::cancelled);
    EXPECT(of_one.is_cancelled() && !of_other.is_cancelled());
    EXPECT(of_one.end() == dcc::owed::nothing && of_other.end() == dcc::owed::result);
}

// Another thread's messages arrive while requests begin and end all the time; each message cancels at most
// one request.
void messages_race_with_begins_and_ends()
{
    const dcc::session session = dcc::session::create();
    std::atomic<bool> is_over{false};
    gate started;
    std::size_t first = 0, sent = 0;
    std::thread transport([&] {
        while (!is_over) {
            ++sent;
            if (session.handle_message(cancels_seven) == dcc::message_outcome::cancelled && ++first == 1)
                started.open();
        }
    });
    std::vector<dcc::request> requests;
    requests.push_back(session.begin(7)); // one at least is met
    started.wait();
    requests.back().end();
    std::size_t owed_nothing = 1;
    for (int count = 0; count < 3000; ++count) {
        requests.push_back(session.begin(7));
        if (requests.back().end() == dcc::owed::nothing)
            ++owed_nothing;
    }
    is_over = true;
    transport.join();
    std::size_t cancelled = 0;
    for (const dcc::request &request : requests)
        cancelled += request.is_cancelled() ? 1 : 0;
    const dcc::session_stats stats = session.stats();
    EXPECT(cancelled == first && stats.cancelled == first);
    EXPECT(owed_nothing <= cancelled); // the message came right after the end
    EXPECT(first + stats.without_effect + stats.unknown == sent);
    EXPECT(stats.live == 0 && stats.begun == requests.size());
}

void progress_is_told_as_the_peer_asks_for_it()
{
    dcc::session_options options;
    options.progress_interval = std::chrono::hours(1);
    const dcc::session session = dcc::session::create(options);
    dcc::request_options asking;
    asking.progress_token = "p";
    const dcc::request request = session.begin(7, asking), silent = session.begin(8);
    const std::string start =
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":)";
    EXPECT(request.set_progress(0.5, 2, "half"));
    EXPECT(request.progress_note() == start + R"(0.5,"total":2,"message":"half"}})");
    EXPECT(request.set_progress(1));
    EXPECT(request.progress_note().empty()); // not for an hour
    EXPECT(request.last_progress_note() == start + "1}}");
    EXPECT(request.last_progress_note().empty());
    EXPECT(!request.set_progress(HUGE_VAL) && !dcc::request().set_progress(2));
    const dcc::job job = dcc::job::create();
    EXPECT(job.begin() && job.set_progress(3, 4, std::string(500, 'x')));
    EXPECT(request.set_progress(job));
    // This is longer than the buffer that is tried first: no message may be cut.
    const std::string note = request.last_progress_note();
    EXPECT(note == start + R"(3,"total":4,"message":")" + std::string(500, 'x') + R"("}})");
    EXPECT(silent.set_progress(1) && silent.last_progress_note().empty());
    request.end();
    EXPECT(!request.set_progress(9) && !request.set_progress(job));
    EXPECT(request.last_progress_note().empty() && dcc::request().last_progress_note().empty());
    options.progress_interval = std::chrono::nanoseconds(1);
    const dcc::session hasty = dcc::session::create(options);
    asking.progress_token = 7;
    const dcc::request told = hasty.begin(7, asking);
    for (int step = 1; step <= 3; ++step)
        EXPECT(told.set_progress(step) && !told.progress_note().empty());
    EXPECT(told.progress_note().empty()); // it is as far as it was
    options.progress_heartbeat = std::chrono::nanoseconds(1);
    const dcc::session beating = dcc::session::create(options);
    const dcc::request opaque = beating.begin(7, asking);
    EXPECT(opaque.set_progress(job));
    for (int beat = 0; beat < 3; ++beat)
        EXPECT(opaque.progress_note().find(R"("total":4,"message":"xxx)") != std::string::npos);
    EXPECT(opaque.cancel() && opaque.progress_note().empty());
}

#if DCC_CANCEL_EXCEPTIONS
template <class Function> dcc_status thrown_by(Function function)
{
    try {
        function();
    } catch (const dcc::error &error) {
        EXPECT(error.what()[0] != '\0');
        return error.status();
    }
    return DCC_OK;
}

void failures_are_thrown()
{
    const dcc::session session = dcc::session::create();
    const dcc::request request = session.begin(7);
    EXPECT(thrown_by([&] { session.begin(7); }) == DCC_ERROR_DUPLICATE);
    EXPECT(thrown_by([&] { session.begin("\xff"); }) == DCC_ERROR_INVALID_ARGUMENT);
    session.close();
    EXPECT(thrown_by([&] { session.begin(8); }) == DCC_ERROR_SHUTDOWN);
    EXPECT(thrown_by([] { dcc::session().begin(7); }) < 0);
    EXPECT(thrown_by([] { dcc::session().handle_message("{}"); }) < 0);
    dcc::session_options options;
    options.max_kept = DCC_MAX_SESSION_QUOTA + 1;
    EXPECT(thrown_by([&] { dcc::session::create(options); }) == DCC_ERROR_INVALID_ARGUMENT);
}
#else
void failures_are_thrown()
{
    EXPECT(!dcc::session().begin(7));
    EXPECT(dcc::session().handle_message("{}") == dcc::message_outcome::failed);
}
#endif

} // namespace

int main()
{
    ids_keep_their_type();
    a_message_cancels_the_request_that_it_names();
    a_task_is_cancelled_by_a_message_of_its_own();
    what_a_peer_says_of_a_request_reaches_its_jobs();
    every_outcome_of_a_message_has_a_name();
    a_cancel_that_is_held_is_for_the_next_request_of_its_id();
    what_is_remembered_is_cleared_and_swept();
    the_reply_has_the_ids_type();
    a_parent_cancels_too_and_then_the_peer_is_told();
    jobs_of_a_request_are_cancelled_with_it();
    a_request_that_is_forgotten_frees_its_id();
    handles_of_c_are_taken_over_and_shared();
    sessions_move_and_close_at_their_end();
    quotas_and_kinds_of_ids_are_settable();
    one_id_in_two_sessions_is_two_requests();
    messages_race_with_begins_and_ends();
    progress_is_told_as_the_peer_asks_for_it();
    failures_are_thrown();
    return 0;
}
