// The tools. Long work asks whether it should stop, and keeps what it has done.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "host_window.hpp"
#include "json_rpc.hpp"

namespace stdio_server {

// The work of one call.
class tool {
public:
    virtual ~tool() = default;

    // Works for the current job until it is done or asked to stop. DCC_RUN_AGAIN asks for another slice. The
    // peer is told the progress and the message of that job.
    virtual dcc_status run() = 0;
    // Whether the work may run on a thread that is not the UI thread.
    virtual bool is_for_any_thread() const { return false; }
    // Whether a client that knows tasks should get a task for this call.
    virtual bool may_take_long() const { return false; }
    // What the work has done so far.
    virtual std::string result() const = 0;
};

// Smooths a curve `count` times, in slices on the UI thread, as work on a host's scene has to.
class smoothing : public tool {
public:
    explicit smoothing(std::uint64_t count) : count_(count) {}

    bool may_take_long() const override { return true; }

    dcc_status run() override
    {
        using clock = std::chrono::steady_clock;
        const auto end = clock::now() + std::chrono::milliseconds(2);
        while (done_ < count_ && clock::now() < end) {
            if (const dcc_status stop = dcc_check_cancelled())
                return stop;
            for (std::size_t at = 1; at + 1 < curve_.size(); ++at)
                curve_[at] = (curve_[at - 1] + 2 * curve_[at] + curve_[at + 1]) / 4;
            ++done_;
        }
        dcc::job::current().set_progress(done_, count_);
        return done_ < count_ ? DCC_RUN_AGAIN : DCC_OK;
    }

    std::string result() const override
    {
        return "smoothed " + std::to_string(done_) + " of " + std::to_string(count_) + " times";
    }

private:
    std::uint64_t count_;
    std::uint64_t done_ = 0;
    std::vector<float> curve_ = std::vector<float>(16384, 1.0f);
};

// A tool that answers at once.
class greeting : public tool {
public:
    explicit greeting(std::string topic) : topic_(std::move(topic)) {}

    dcc_status run() override { return dcc_check_cancelled(); }
    std::string result() const override { return "in short: " + topic_; }

private:
    std::string topic_;
};

// The Adler-32 of a file. It runs on a worker, because it needs nothing of the host.
class checksum : public tool {
public:
    explicit checksum(std::string path) : path_(std::move(path)) {}

    bool is_for_any_thread() const override { return true; }
    bool may_take_long() const override { return true; }

    dcc_status run() override
    {
        std::error_code no_size;
        const std::uintmax_t size = std::filesystem::file_size(path_, no_size);
        std::ifstream file(path_, std::ios::binary);
        std::vector<char> block(1 << 16);
        const dcc::poller cancelled;
        const dcc::job job = dcc::job::current();
        while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
            if (const dcc_status stop = cancelled.status())
                return stop; // the destructor closes the file
            add(block.data(), static_cast<std::size_t>(file.gcount()));
            job.set_progress(bytes_, no_size ? 0 : size);
        }
        if (!file.eof())
            throw std::runtime_error("cannot read " + path_ + ": name a file that this user can read");
        return DCC_OK;
    }

    std::string result() const override
    {
        return "Adler-32 " + std::to_string(high_ << 16 | low_) + " of " + std::to_string(bytes_) + " bytes";
    }

private:
    void add(const char *block, std::size_t size)
    {
        for (std::size_t at = 0; at < size; ++at) {
            low_ = (low_ + static_cast<unsigned char>(block[at])) % 65521;
            high_ = (high_ + low_) % 65521;
        }
        bytes_ += size;
    }

    std::string path_;
    std::uint32_t low_ = 1, high_ = 0;
    std::uint64_t bytes_ = 0;
};

// Opens a modal dialog. The host shows it between two ticks; or the job shows it itself, as no job should.
class dialog : public tool {
public:
    dialog(host_window &window, bool is_in_job) : window_(window), is_in_job_(is_in_job) {}

    dcc_status run() override
    {
        window_.open_dialog();
        if (is_in_job_)
            window_.run_dialog();
        return DCC_OK;
    }
    std::string result() const override { return is_in_job_ ? "the dialog was closed" : "it is open"; }

private:
    host_window &window_;
    bool is_in_job_;
};

inline json described(const char *name, const char *text)
{
    return {{"name", name}, {"description", text}, {"inputSchema", {{"type", "object"}}}};
}

inline json described(const char *name, const char *text, const char *argument, const char *type)
{
    json tool = described(name, text);
    tool["inputSchema"]["properties"] = {{argument, {{"type", type}}}};
    tool["inputSchema"]["required"] = json::array({argument});
    return tool;
}

// The answer to tools/list.
inline json tool_list()
{
    const json tools = json::array(
        {described("long_execution", "Smooths a curve `count` times; can be cancelled.", "count", "integer"),
         described("short_execution", "A word on a topic, at once.", "topic", "string"),
         described("process_large_file", "The Adler-32 of a file; can be cancelled.", "path", "string"),
         described("open_dialog", "A modal dialog of the host, or of a job.", "by", "string"),
         described("close_dialog", "Closes it, as the user would."),
         described("host_state", "Whether the host's thread is alive, inside a job, or in a dialog.")});
    return {{"tools", tools}};
}

inline std::string text_in(const json &from, const char *member)
{
    const auto found = from.find(member);
    if (found == from.end() || !found->is_string())
        throw rpc_error(code::params, "\"" + std::string(member) + "\" is missing or no text");
    return found->get<std::string>();
}

// Makes the work that a tools/call asks for.
inline std::unique_ptr<tool> tool_for(const json &params, host_window &window)
{
    const auto &text = text_in;
    const json given = params.is_object() ? params : json::object();
    const std::string name = text(given, "name");
    const json arguments = given.value("arguments", json::object());
    if (name == "open_dialog") {
        const std::string by = text(arguments, "by");
        if (by != "host" && by != "job")
            throw rpc_error(code::params, "\"by\" is \"" + by + "\": it can be host or job");
        return std::make_unique<dialog>(window, by == "job");
    }
    if (name == "short_execution")
        return std::make_unique<greeting>(text(arguments, "topic"));
    if (name == "process_large_file")
        return std::make_unique<checksum>(text(arguments, "path"));
    if (name != "long_execution")
        throw rpc_error(code::params, "no tool \"" + name + "\": tools/list has the names");
    const auto count = arguments.find("count");
    if (count == arguments.end() || !count->is_number_integer() || *count < 0)
        throw rpc_error(code::params, "\"count\" is missing or no integer from 0 up");
    return std::make_unique<smoothing>(count->get<std::uint64_t>());
}

} // namespace stdio_server
