// JSON-RPC in lines: writes messages, and keeps ids in the type in which they came.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "dcc_cancel.hpp"

namespace stdio_server {

using nlohmann::json;

enum class code {
    parse = -32700,
    invalid_request = -32600,
    no_method = -32601,
    params = -32602,
    internal = -32603,
    refused = -32000,
    no_capability = -32021
};

// The error that answers a request that cannot be done.
class rpc_error : public std::runtime_error {
public:
    rpc_error(stdio_server::code code, const std::string &message, json data = {})
        : runtime_error(message), code_(code), data_(std::move(data))
    {
    }

    stdio_server::code code() const { return code_; }
    const json &data() const { return data_; }

private:
    stdio_server::code code_;
    json data_;
};

inline std::string text_of(const json &message)
{
    return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

inline std::string result_for(const json &id, json result)
{
    return text_of({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

// Standard output. Any thread may write; each line is one message, and nothing else is written there.
class output {
public:
    // `make` is called under the lock, so its lines are written before the lines of any later call. So a
    // progress notification that one call takes comes before the answer that a later call makes. Empty lines
    // are left out.
    template <class Make> void write(const Make &make)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        for (const std::string &line : make()) {
            if (line.empty())
                continue;
            std::fwrite(line.data(), 1, line.size(), stdout);
            std::fputc('\n', stdout);
        }
        std::fflush(stdout);
    }

    void send_result(const json &id, json result)
    {
        write([&] { return std::array{result_for(id, std::move(result))}; });
    }

    void send_error(const json &id, code code, std::string_view message, const json &data = {})
    {
        json error = {{"code", static_cast<int>(code)}, {"message", message}};
        if (!data.is_null())
            error["data"] = data;
        write([&] { return std::array{text_of({{"jsonrpc", "2.0"}, {"id", id}, {"error", error}})}; });
    }

private:
    std::mutex mutex_;
};

// The id of a request. Nothing if the value cannot be an id.
inline std::optional<dcc::request_id> id_from(const json &value)
{
    if (value.is_string())
        return value.get<std::string>();
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)
        return std::nullopt;
    if (value.is_number_integer())
        return value.get<std::int64_t>();
    return std::nullopt;
}

inline json json_of(const dcc::request_id &id)
{
    return id.is_text() ? json(id.text()) : json(id.integer());
}

} // namespace stdio_server
