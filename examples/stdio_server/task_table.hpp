// Tasks of MCP's extension io.modelcontextprotocol/tasks. Such a call is answered at once, and the client
// asks about it later.
#pragma once

#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <utility>

#include "json_rpc.hpp"

namespace stdio_server {

// Whether the client says that it knows tasks. It has to say so in each request.
inline bool knows_tasks(const json &params)
{
    const json::json_pointer place(
        "/_meta/io.modelcontextprotocol~1clientCapabilities/extensions/io.modelcontextprotocol~1tasks");
    return params.is_object() && params.contains(place) && params.at(place).is_object();
}

// A random id that nobody can guess.
inline std::string new_task_id()
{
    std::random_device random;
    std::string id;
    for (int part = 0; part < 4; ++part) {
        char text[9];
        std::snprintf(text, sizeof text, "%08x", random());
        id += text;
    }
    return id;
}

// What the server tells about its tasks. Any thread may call any method.
class task_table {
public:
    // Adds a task that works, and returns what its client is told about it.
    json add(const std::string &id)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        forget_old();
        entry &made = entries_[id];
        made.since = std::chrono::steady_clock::now();
        const std::string now = time();
        made.told = {{"taskId", id},          {"status", "working"}, {"createdAt", now},
                     {"lastUpdatedAt", now}, {"ttlMs", kept.count()}, {"pollIntervalMs", 50}};
        return made.told;
    }

    void remove(const std::string &id)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        entries_.erase(id);
    }

    // Notes that a task has ended with this status. `more` has the other members of that status.
    void end(const std::string &id, const char *status, const json &more)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = entries_.find(id);
        if (found == entries_.end())
            return;
        found->second.told["status"] = status;
        found->second.told["lastUpdatedAt"] = time();
        found->second.told.update(more);
    }

    // What the client is told about the task that these params name.
    json told(const json &params) const
    {
        const json id = params.is_object() ? params.value("taskId", json()) : json();
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = id.is_string() ? entries_.find(id.get<std::string>()) : entries_.end();
        if (found == entries_.end())
            throw rpc_error(code::params, "no task " + id.dump() + ": it never was, or has expired");
        return found->second.told;
    }

private:
    struct entry {
        std::chrono::steady_clock::time_point since;
        json told;
    };

    static constexpr std::chrono::milliseconds kept{3'600'000};

    void forget_old()
    {
        const auto latest = std::chrono::steady_clock::now() - kept;
        for (auto at = entries_.begin(); at != entries_.end();) {
            const bool is_old = at->second.since < latest && at->second.told["status"] != "working";
            at = is_old ? entries_.erase(at) : std::next(at);
        }
    }

    // Call it under the lock, because gmtime is not thread-safe.
    static std::string time()
    {
        const std::time_t now = std::time(nullptr);
        char text[32];
        std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
        return text;
    }

    mutable std::mutex mutex_;
    std::map<std::string, entry> entries_;
};

} // namespace stdio_server
