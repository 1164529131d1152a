// A dialog that keeps a host's UI thread from its jobs, and a text that says what the UI thread is doing.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>

#include "dcc_cancel.hpp"

namespace stdio_server {

// A window of the host that may have a modal dialog. While the dialog is open, its loop holds the UI thread.
class host_window {
public:
    void open_dialog() { set(true, false); }
    void close_dialog() { set(false, false); }
    // Closes the dialog. No dialog is opened afterwards.
    void end() { set(false, true); }

    // The dialog's own loop, on the UI thread. It returns at once if no dialog is open.
    void run_dialog()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        closed_.wait(lock, [this] { return !is_open_; });
    }

private:
    void set(bool is_open, bool is_end)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        has_ended_ = has_ended_ || is_end;
        is_open_ = is_open && !has_ended_;
        closed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable closed_;
    bool is_open_ = false;
    bool has_ended_ = false;
};

inline std::string seconds(std::chrono::nanoseconds time)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(time).count());
    return text;
}

// Tells an agent why its call does not begin. Any thread may call this; it does not wait.
inline std::string state_of_host(const dcc::dispatcher &ui)
{
    constexpr std::chrono::milliseconds noticeable(300);
    const dcc::dispatcher_stats now = ui.stats();
    if (now.present_job_id != 0 && now.present_for > noticeable) {
        const std::string job = std::to_string(now.present_job_id);
        return "busy: inside job " + job + " for " + seconds(now.present_for) + "; wait for it or cancel it";
    }
    if (now.present_job_id == 0 && now.since_last_tick && *now.since_last_tick > noticeable)
        return "no tick for " + seconds(*now.since_last_tick) +
               ": its thread is with the host's own, such as a modal dialog; ask the user to close that";
    return "alive: its ticks come";
}

} // namespace stdio_server
