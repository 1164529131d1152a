// The server: a thread that reads, a UI thread that works and answers.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <istream>
#include <memory>
#include <mutex>
#include <string>

#include "json_rpc.hpp"
#include "tools.hpp"

namespace stdio_server {

// A tools/call in flight.
struct call {
    json id;
    dcc::request request;
    std::unique_ptr<tool> work;
};

class server {
public:
    // The UI thread: its frames pump what calls have to do. Returns when the input has ended and all
    // calls are over.
    void run()
    {
        while (!has_input_ended_ || calls_ > 0) {
            const dcc::tick tick = ui_.pump(std::chrono::milliseconds(8));
            std::unique_lock<std::mutex> lock(mutex_);
            const std::chrono::nanoseconds frame = std::chrono::milliseconds(16);
            rung_.wait_for(lock, std::min(tick.next.value_or(frame), frame), [this] { return is_rung_; });
            is_rung_ = false;
        }
    }

    // The reading thread. It never waits for the UI, so a cancel gets through whatever runs there.
    void read(std::istream &input)
    {
        for (std::string line; std::getline(input, line);)
            read_line(line);
        session_.close(); // the peer is gone: cancels all calls
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
            answer(message);
        } catch (const std::exception &failure) {
            log(std::string("a message could not be handled: ") + failure.what());
        }
    }

    void answer(const json &message)
    {
        const json id = message.is_object() ? message.value("id", json()) : json();
        try {
            if (!message.is_object())
                throw rpc_error(code::invalid_request, "a message is an object; send no batches");
            if (!message.contains("method") && (message.contains("result") || message.contains("error")))
                return; // an answer, and nothing was asked
            const json method = message.value("method", json());
            if (!method.is_string())
                throw rpc_error(code::invalid_request, "\"method\" is missing or no text");
            if (!message.contains("id"))
                return; // notifications: those that matter were the session's
            const auto request_id = id_from(id);
            if (!request_id)
                throw rpc_error(code::invalid_request, "\"id\" is no text and no integer of 64 bits");
            const json params = message.value("params", json::object());
            if (method == "tools/call")
                begin(id, *request_id, params);
            else
                output_.send_result(id, result_of(method.get<std::string>(), params));
        } catch (const rpc_error &refusal) {
            output_.send_error(id, refusal.code(), refusal.what());
        } catch (const dcc::error &refusal) { // too many calls, or one that has this id
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
        if (method != "initialize") // also server/discover, after which clients of 2026 come back with it
            throw rpc_error(code::no_method, "no method \"" + method + "\"");
        const json asked = params.is_object() ? params.value("protocolVersion", json()) : json();
        json version = "2025-11-25";
        for (const char *known : {"2024-11-05", "2025-03-26", "2025-06-18"})
            if (asked == known)
                version = known;
        return {{"protocolVersion", version},
                {"capabilities", {{"tools", json::object()}}},
                {"serverInfo", {{"name", "dcc-cancel-stdio"}, {"version", "0.2.0"}}}};
    }

    // The request begins here, so that the next line can cancel it; its work waits for the UI thread.
    void begin(const json &id, const dcc::request_id &request_id, const json &params)
    {
        const auto made = std::make_shared<call>();
        made->id = id;
        made->work = tool_for(params);
        dcc::request_options options;
        if (const json meta = params.value("_meta", json()); meta.is_object())
            options.progress_token = id_from(meta.value("progressToken", json()));
        made->request = session_.begin(request_id, options);
        dcc::post_options posting;
        posting.parent = made->request.token(); // a cancel of the request reaches the job's next poll
        posting.any_thread = made->work->is_for_any_thread();
        posting.completion = [this, made](const dcc::job &job, dcc::job_state state) {
            end(*made, job, state);
        };
        const auto run = [this, made](const dcc::job &) -> dcc_status {
            return made->work->run([this, &made](double done, double total) {
                made->request.set_progress(done, total);
                tell(made->request.progress_note());
            });
        };
        ui_.post("tools/call", run, posting);
        ++calls_;
    }

    // On the UI thread, after the work's last poll.
    void end(const call &ended, const dcc::job &job, dcc::job_state state)
    {
        --calls_;
        const std::string id = ended.id.dump(), result = ended.work->result();
        tell(ended.request.last_progress_note());
        const dcc::owed owed = ended.request.end();
        if (owed == dcc::owed::result) {
            const bool is_done = state == dcc::job_state::completed;
            const std::string why = state == dcc::job_state::failed ? job.failure() : job.token().reason();
            const std::string text = is_done ? result : "not done: " + why;
            const json content = {{"type", "text"}, {"text", text}};
            output_.send_result(ended.id, {{"content", json::array({content})}, {"isError", !is_done}});
            return;
        }
        // Nothing is said to a peer that cancelled. What was cancelled on this side is an error.
        if (owed == dcc::owed::cancelled)
            output_.write_line(ended.request.cancelled_reply());
        log("request " + id + " cancelled (" + ended.request.token().reason() + "), kept: " + result);
    }

    void tell(const std::string &note)
    {
        if (!note.empty())
            output_.write_line(note);
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

    output output_;
    std::mutex mutex_;
    std::condition_variable rung_;
    bool is_rung_ = false;
    std::atomic<bool> has_input_ended_{false};
    std::atomic<int> calls_{0}; // in flight; exact once the input has ended
    dcc::session session_ = dcc::session::create(); // stdio; silent, as MCP has it
    dcc::dispatcher ui_ = dcc::dispatcher::create(host());
};

} // namespace stdio_server
