// JSON-RPC over lines: what goes out, and ids in the type in which they came.
#pragma once

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
    refused = -32000
};

// What a request is answered with that cannot be done.
class rpc_error : public std::runtime_error {
public:
    rpc_error(stdio_server::code code, const std::string &message) : runtime_error(message), code_(code) {}

    stdio_server::code code() const { return code_; }

private:
    stdio_server::code code_;
};

// Standard output: one message a line, from any thread, and nothing else.
class output {
public:
    void write_line(std::string_view message)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::fwrite(message.data(), 1, message.size(), stdout);
        std::fputc('\n', stdout);
        std::fflush(stdout);
    }

    void send_result(const json &id, json result)
    {
        send({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
    }

    void send_error(const json &id, code code, std::string_view message)
    {
        send({{"jsonrpc", "2.0"},
              {"id", id},
              {"error", {{"code", static_cast<int>(code)}, {"message", message}}}});
    }

private:
    void send(const json &message)
    {
        write_line(message.dump(-1, ' ', false, json::error_handler_t::replace));
    }

    std::mutex mutex_;
};

// An id of a request, or a progress token; nothing for what is neither.
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
