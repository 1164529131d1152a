// The server has three threads. One reads messages. The UI thread works and answers. The third one tells how
// far the calls are, even while the UI thread is inside one of them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <istream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "json_rpc.hpp"
#include "task_table.hpp"
#include "tools.hpp"

namespace stdio_server {

// A tools/call that is in flight.
struct call {
    json id;
    dcc::request request; // if the call is a task, this is the task's request
    std::string task_id;  // empty if the call is not a task
    std::unique_ptr<tool> work;
};

class server {
public:
    // The UI thread runs this. Each frame pumps the work of the calls. Returns when the input has ended and
    // all calls are over.
    void run()
    {
        while (!has_input_ended_ || calls() > 0) {
            const dcc::tick tick = ui_.pump(std::chrono::milliseconds(8));
            window_.run_dialog();
            std::unique_lock<std::mutex> lock(mutex_);
            const std::chrono::nanoseconds frame = std::chrono::milliseconds(16);
            rung_.wait_for(lock, std::min(tick.next.value_or(frame), frame), [this] { return is_rung_; });
            is_rung_ = false;
        }
    }

    // The telling thread runs this until the UI thread is done. For a call that cannot count its steps it
    // tells the client that the call goes on.
    void tell()
    {
        std::unique_lock<std::mutex> lock(calls_mutex_);
        while (!is_over_) {
            // The lock is released meanwhile, because the reader of the output may be slow.
            const std::vector<std::shared_ptr<call>> calls = calls_;
            lock.unlock();
            for (const std::shared_ptr<call> &each : calls)
                tell_of(*each);
            lock.lock();
            ended_.wait_for(lock, std::chrono::milliseconds(50), [this] { return is_over_; });
        }
    }

    void end_telling()
    {
        const std::lock_guard<std::mutex> lock(calls_mutex_);
        is_over_ = true;
        ended_.notify_one();
    }

    // The reading thread runs this. It never waits for the UI thread, so a cancel arrives whatever runs
    // there.
    void read(std::istream &input)
    {
        for (std::string line; std::getline(input, line);)
            read_line(line);
        session_.close(); // the peer is gone: cancels all its calls
        tasks_.close();   // and its tasks, about which nobody can ask any more
        window_.end();
        has_input_ended_ = true;
        ring();
    }

private:
    void read_line(const std::string &line) noexcept
    {
        try {
            std::optional<dcc::request_id> meant;
            const dcc::message_outcome outcome = session_.handle_message(line, &meant);
            if (meant && outcome != dcc::message_outcome::cancelled)
                log("a cancel was ignored: request " + json_of(*meant).dump() + " is over or was cancelled");
            const json message = json::parse(line, nullptr, false);
            if (message.is_discarded())
                return output_.send_error(
                    nullptr, code::parse, "this line is no JSON: send one message a line");
            answer(message, line);
        } catch (const std::exception &failure) {
            log(std::string("a message could not be handled: ") + failure.what());
        }
    }

    void answer(const json &message, const std::string &line)
    {
        const json given = message.is_object() ? message.value("id", json()) : json();
        const auto request_id = id_from(given);
        // Any other number may have lost digits in this JSON parser, so it is not sent back as an id.
        const json id = request_id ? given : json();
        try {
            if (!message.is_object())
                throw rpc_error(code::invalid_request, "a message is an object; send no batches");
            if (!message.contains("method") && (message.contains("result") || message.contains("error")))
                return; // an answer, although this server asks nothing
            const json method = message.value("method", json());
            if (!method.is_string())
                throw rpc_error(code::invalid_request, "\"method\" is missing or no text");
            if (!message.contains("id"))
                return; // a notification; the session has handled those that matter
            if (!request_id)
                throw rpc_error(code::invalid_request, "\"id\" is no text and no integer of 64 bits");
            const json params = message.value("params", json::object());
            if (const auto text = method == "tools/call" ? said_at_once(params) : std::nullopt)
                output_.send_result(id, content_of(*text, false));
            else if (method == "tools/call")
                begin(id, *request_id, params);
            else if (const std::string name = method; name.compare(0, 6, "tasks/") == 0)
                output_.send_result(id, of_task(name, params, line));
            else
                output_.send_result(id, result_of(method.get<std::string>(), params));
        } catch (const rpc_error &refusal) {
            output_.send_error(id, refusal.code(), refusal.what(), refusal.data());
        } catch (const dcc::error &refusal) { // too many calls, or another one has this id
            output_.send_error(id, code::refused, refusal.what());
        } catch (const std::exception &failure) {
            output_.send_error(id, code::internal, failure.what());
        }
    }

    static json result_of(const std::string &method, const json &params)
    {
        if (method == "ping")
            return json::object();
        if (method == "tools/list")
            return tool_list();
        if (method != "initialize") // a client of 2026 sends server/discover first, and then initialize
            throw rpc_error(code::no_method, "no method \"" + method + "\"");
        const json asked = params.is_object() ? params.value("protocolVersion", json()) : json();
        json version = "2025-11-25";
        for (const char *known : {"2024-11-05", "2025-03-26", "2025-06-18"})
            if (asked == known)
                version = known;
        return {{"protocolVersion", version},
                {"capabilities", {{"tools", json::object()}, {"extensions", tasks_extension()}}},
                {"serverInfo", {{"name", "dcc-cancel-stdio"}, {"version", "0.2.0"}}}};
    }

    static json tasks_extension() { return {{"io.modelcontextprotocol/tasks", json::object()}}; }

    // Answers tasks/get, tasks/update and tasks/cancel. The answer to a cancel only says that it was heard.
    json of_task(const std::string &method, const json &params, const std::string &line)
    {
        if (!knows_tasks(params))
            throw rpc_error(code::no_capability,
                            "a request about tasks has to say that its client knows them",
                            {{"requiredCapabilities", {{"extensions", tasks_extension()}}}});
        json told = task_table_.told(params);
        if (method == "tasks/cancel")
            tasks_.handle_message(line);
        else if (method != "tasks/get" && method != "tasks/update")
            throw rpc_error(code::no_method, "no method \"" + method + "\"");
        if (method != "tasks/get")
            told = json::object();
        told["resultType"] = "complete";
        return told;
    }

    // Answers the two tools that must work while the UI thread is busy. Nothing for other tools.
    std::optional<std::string> said_at_once(const json &params)
    {
        const json name = params.is_object() ? params.value("name", json()) : json();
        if (name == "host_state")
            return state_of_host(ui_);
        if (name != "close_dialog")
            return std::nullopt;
        window_.close_dialog();
        return "closed";
    }

    static json content_of(const std::string &text, bool is_error)
    {
        const json content = {{"type", "text"}, {"text", text}};
        return {{"content", json::array({content})}, {"isError", is_error}};
    }

    // Begins the request on the reading thread, so that the next line can cancel it. Its work is posted to
    // the UI thread.
    void begin(const json &id, const dcc::request_id &request_id, const json &params)
    {
        const auto made = std::make_shared<call>();
        made->id = id;
        made->work = tool_for(params, window_);
        if (knows_tasks(params) && made->work->may_take_long())
            return begin_task(made, params);
        // `_meta` says whether the peer wants to be told of progress, how long it waits, and for which trace
        // it asks.
        const std::string meta = params.value("_meta", json()).dump();
        dcc::request_options options;
        options.meta = meta;
        made->request = session_.begin(request_id, options);
        post(made);
    }

    // Begins a task. It is answered before its work is done: the client gets an id by which it asks about the
    // task and cancels it.
    void begin_task(const std::shared_ptr<call> &made, const json &params)
    {
        json said = params.at("_meta");
        said.erase("progressToken"); // the client asks about a task, so it gets no notifications
        const std::string meta = said.dump();
        dcc::request_options options;
        options.meta = meta;
        made->task_id = new_task_id();
        made->request = tasks_.begin(made->task_id, options);
        json told = task_table_.add(made->task_id);
        try {
            post(made);
        } catch (...) {
            task_table_.remove(made->task_id);
            throw;
        }
        told["resultType"] = "task";
        output_.send_result(made->id, std::move(told));
    }

    void post(const std::shared_ptr<call> &made)
    {
        dcc::post_options posting;
        posting.parent = made->request.token(); // a cancel of the request reaches the job's next poll
        posting.any_thread = made->work->is_for_any_thread();
        posting.completion = [this, made](const dcc::job &job, dcc::job_state state) {
            end(*made, job, state);
        };
        const auto run = [this, made](const dcc::job &job) -> dcc_status {
            made->request.set_progress(job);
            const dcc_status status = made->work->run();
            tell_of(*made);
            return status;
        };
        keep(made);
        try {
            ui_.post("tools/call", run, posting);
        } catch (...) {
            drop(*made);
            throw;
        }
    }

    void keep(const std::shared_ptr<call> &begun)
    {
        const std::lock_guard<std::mutex> lock(calls_mutex_);
        calls_.push_back(begun);
    }

    void drop(const call &ended)
    {
        const std::lock_guard<std::mutex> lock(calls_mutex_);
        calls_.erase(std::find_if(calls_.begin(), calls_.end(),
                                  [&ended](const auto &each) { return each.get() == &ended; }));
    }

    std::size_t calls()
    {
        const std::lock_guard<std::mutex> lock(calls_mutex_);
        return calls_.size();
    }

    // Runs on the UI thread after the work's last poll.
    void end(const call &ended, const dcc::job &job, dcc::job_state state)
    {
        drop(ended);
        const std::string id = ended.id.dump(), result = ended.work->result();
        dcc::owed owed = dcc::owed::nothing;
        output_.write([&] {
            const std::string note = ended.request.last_progress_note();
            owed = ended.request.end();
            return std::array{note, answer_to(ended, owed, job, state)};
        });
        if (!ended.task_id.empty())
            return end_task(ended, job, state, owed);
        if (owed != dcc::owed::result)
            log("request " + id + " cancelled (" + ended.request.token().reason() + "), kept: " + result);
    }

    // The result of a tool. It may say that there is no such result.
    static json outcome_of(const call &ended, const dcc::job &job, dcc::job_state state)
    {
        const bool is_done = state == dcc::job_state::completed;
        const std::string why = state == dcc::job_state::failed ? job.failure() : job.token().reason();
        return content_of(is_done ? ended.work->result() : "not done: " + why, !is_done);
    }

    void end_task(const call &ended, const dcc::job &job, dcc::job_state state, dcc::owed owed)
    {
        if (owed == dcc::owed::result)
            return task_table_.end(
                ended.task_id, "completed", {{"result", outcome_of(ended, job, state)}});
        const std::string kept = ended.work->result();
        task_table_.end(ended.task_id, "cancelled", {{"statusMessage", "cancelled, kept: " + kept}});
        log("task " + ended.task_id + " cancelled, kept: " + kept);
    }

    static std::string answer_to(const call &ended, dcc::owed owed, const dcc::job &job, dcc::job_state state)
    {
        if (!ended.task_id.empty())
            return std::string(); // a task's request was answered when it began
        // A peer that has cancelled by MCP's message gets no answer. Otherwise it waits for an error.
        if (owed != dcc::owed::result)
            return ended.request.cancelled_reply();
        return result_for(ended.id, outcome_of(ended, job, state));
    }

    void tell_of(const call &each)
    {
        output_.write([&each] { return std::array{each.request.progress_note()}; });
    }

    static void log(const std::string &text) { std::fprintf(stderr, "stdio_server: %s\n", text.c_str()); }

    void ring()
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        is_rung_ = true;
        rung_.notify_one();
    }

    dcc::dispatcher_options host()
    {
        dcc::dispatcher_options options;
        options.wake = [this] { ring(); };
        return options;
    }

    static dcc::session_options of_tasks()
    {
        dcc::session_options options;
        options.kind = dcc::session_kind::tasks;
        return options;
    }

    // A cancel by MCP's message is not answered; a cancel by a message of LSP or ACP is. The heartbeat tells
    // the peer regularly that a call goes on.
    static dcc::session_options as_asked()
    {
        dcc::session_options options; // over standard streams
        options.replies = dcc::reply_policy::as_asked;
        options.progress_heartbeat = std::chrono::milliseconds(250);
        return options;
    }

    output output_;
    host_window window_;
    std::mutex mutex_;
    std::condition_variable rung_;
    bool is_rung_ = false;
    std::atomic<bool> has_input_ended_{false};
    std::mutex calls_mutex_;
    std::condition_variable ended_;
    bool is_over_ = false;
    std::vector<std::shared_ptr<call>> calls_; // all calls in flight; none is added once the input has ended
    task_table task_table_;
    dcc::session session_ = dcc::session::create(as_asked());
    dcc::session tasks_ = dcc::session::create(of_tasks());
    dcc::dispatcher ui_ = dcc::dispatcher::create(host());
};

} // namespace stdio_server
