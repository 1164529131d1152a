/* Sessions: peers' connections. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_SESSION_HPP
#define DCC_CANCEL_SESSION_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "error.hpp"
#include "request.hpp"
#include "request_id.hpp"
#include "text.hpp"
#include "time.hpp"

namespace dcc {

/* How messages come in. */
enum class session_kind : std::int32_t {
    /* One after the other, so a cancel never comes before its request. */
    stdio = DCC_SESSION_STDIO,
    /* On several threads, so a cancel may come before its request. */
    http = DCC_SESSION_HTTP,
    /* The requests are tasks of MCP's extension, which `tasks/cancel` cancels; see DCC_SESSION_TASKS. */
    tasks = DCC_SESSION_TASKS
};

/* How a request that its peer cancelled is answered. */
enum class reply_policy : std::int32_t {
    /* Not at all, as MCP demands. */
    silent = DCC_REPLIES_SILENT,
    /* With the error -32800, as LSP, ACP and MCP's streamable HTTP of 2025 demand. */
    cancelled = DCC_REPLIES_CANCELLED,
    /* With that error after a cancel of LSP or ACP, else as MCP demands for this kind. */
    as_asked = DCC_REPLIES_AS_ASKED
};

/* What becomes of a cancel that comes before its request. */
enum class early_cancels : std::int32_t {
    by_kind = DCC_EARLY_BY_KIND,
    held = DCC_EARLY_HELD,
    ignored = DCC_EARLY_IGNORED
};

/* State of an id in a session. */
enum class request_state : std::int32_t {
    /* Its request never began, or has ended and is forgotten. */
    unknown = DCC_REQUEST_UNKNOWN,
    /* Its request is in flight, and not cancelled. */
    live = DCC_REQUEST_LIVE,
    /* Its request is in flight, and cancelled. */
    cancelled = DCC_REQUEST_CANCELLED,
    /* Its request has not begun, and a cancel is held for it. */
    held = DCC_REQUEST_HELD,
    /* Its request has ended; it was not cancelled, or the cancel is forgotten. */
    ended = DCC_REQUEST_ENDED,
    /* Its request has ended, and was cancelled. */
    ended_cancelled = DCC_REQUEST_ENDED_CANCELLED
};

/* What a peer's message was. */
enum class message_outcome : std::int32_t {
    /* It could not be read; only if exceptions are disabled. */
    failed = -1,
    /* The first cancel of a request in flight. */
    cancelled = DCC_MESSAGE_CANCELLED,
    /* A cancel of a request that was cancelled before, is sealed, or cannot be cancelled. */
    without_effect = DCC_MESSAGE_WITHOUT_EFFECT,
    /* A cancel that is held for its request. */
    held = DCC_MESSAGE_HELD,
    /* A cancel, ignored because no request in flight has its id. */
    unknown = DCC_MESSAGE_UNKNOWN,
    /* No cancel; you handle it. */
    other = DCC_MESSAGE_OTHER,
    /* Not a JSON-RPC message, or a cancel that names no request. */
    malformed = DCC_MESSAGE_MALFORMED
};

/* What a session is created from. */
struct session_options {
    session_kind kind = session_kind::stdio;
    reply_policy replies = reply_policy::silent;
    early_cancels early = early_cancels::by_kind;
    /* The id 7 and the id "7" are the same, as in some servers. */
    bool ids_are_texts = false;
    /* Maximum number of requests in flight; 0 means 1024. */
    std::uint32_t max_requests = 0;
    /* Maximum number of ids without a request in flight that are remembered; 0 means 256. */
    std::uint32_t max_kept = 0;
    /* How long a cancel is held for its request, and how long a cancel of an ended request counts as late;
     * zero means 30 seconds. */
    std::chrono::nanoseconds early_ttl = std::chrono::nanoseconds(0);
    /* The shortest time between two progress notifications of a request; zero means 100 milliseconds. */
    std::chrono::nanoseconds progress_interval = std::chrono::nanoseconds(0);
    /* The longest time between them: then request::progress_note says that the request goes on. Zero: no
     * limit. */
    std::chrono::nanoseconds progress_heartbeat = std::chrono::nanoseconds(0);
};

/* Counts of a session; see dcc_session_stats. */
struct session_stats {
    bool is_closed = false;
    /* Requests in flight: begun and not ended, even after a close. */
    std::uint32_t live = 0;
    /* Other ids that are remembered. */
    std::uint32_t kept = 0;
    std::uint64_t begun = 0;
    /* Requests whose first cancel came from the peer or from the close. */
    std::uint64_t cancelled = 0;
    /* Cancels that were held for their request. */
    std::uint64_t early = 0;
    /* Cancels that were ignored because no request in flight had their id. */
    std::uint64_t unknown = 0;
    std::uint64_t without_effect = 0;
    /* Messages that were not JSON-RPC, or cancels that named no request. */
    std::uint64_t malformed = 0;
    /* Messages that were no cancels. */
    std::uint64_t others = 0;
    /* Ids that were not remembered because there was no room. */
    std::uint64_t forgotten = 0;
};

/* The connection of one peer, and the scope of its request ids. All functions may be called on any thread. A
 * session cannot be copied: pass it by reference. */
class session {
public:
    /* No session. */
    session() noexcept = default;
    session(session &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    session &operator=(session &&other) noexcept
    {
        session taken(std::move(other));
        std::swap(object_, taken.object_);
        return *this;
    }

    /* Closes the session. */
    ~session()
    {
        if (object_ == nullptr)
            return;
        close();
        dcc_session_release(object_);
    }

    static session create(const session_options &options = {})
    {
        session result;
        detail::throw_if_failed(try_create(result, options));
        return result;
    }

    /* As create; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    static dcc_status try_create(session &result, const session_options &options = {}) noexcept
    {
        result = session();
        dcc_session_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.flags = options.ids_are_texts ? DCC_SESSION_IDS_ARE_TEXTS : 0u;
        desc.kind = static_cast<std::int32_t>(options.kind);
        desc.replies = static_cast<std::int32_t>(options.replies);
        desc.early = static_cast<std::int32_t>(options.early);
        desc.max_requests = options.max_requests;
        desc.max_kept = options.max_kept;
        desc.early_ttl_ns = detail::nanoseconds_of(options.early_ttl);
        desc.progress_interval_ns = detail::nanoseconds_of(options.progress_interval);
        desc.progress_heartbeat_ns = detail::nanoseconds_of(options.progress_heartbeat);
        return dcc_session_create(&desc, &result.object_);
    }

    /* Begins a request; it is cancelled from the start if a cancel with its id is held. Throws if a request
     * in flight has this id, if max_requests are in flight, or after the close. */
    request begin(const request_id &id, const request_options &options = {}) const
    {
        request result;
        detail::throw_if_failed(try_begin(result, id, options));
        return result;
    }

    /* As begin; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    dcc_status try_begin(request &result, const request_id &id,
                         const request_options &options = {}) const noexcept
    {
        result.reset();
        dcc_request_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.flags = options.cancellable ? 0u : DCC_REQUEST_NOT_CANCELLABLE;
        desc.id = id.get();
        desc.parent = options.parent.get();
        if (options.progress_token)
            desc.progress_token = options.progress_token->get();
        desc.meta = options.meta.empty() ? nullptr : options.meta.data();
        desc.meta_length = options.meta.size();
        dcc_request *handle = nullptr;
        const dcc_status status = dcc_request_begin(object_, &desc, &handle);
        result = request::adopt(handle);
        return status;
    }

    /* Does what a message from the peer, as it came over the wire, asks for, if it is a cancel; you handle
     * message_outcome::other. `meant`, unless it is null, gets the id that a cancel names. A peer cannot make
     * this fail; it throws if the library's callback thread cannot be started, or if there is no memory. */
    message_outcome handle_message(std::string_view message,
                                   std::optional<request_id> *meant = nullptr) const
    {
        message_outcome result = message_outcome::failed;
        detail::throw_if_failed(try_handle_message(result, message, meant));
        return result;
    }

    /* As handle_message; nothing is written if the answer is negative. */
    dcc_status try_handle_message(message_outcome &result, std::string_view message,
                                  std::optional<request_id> *meant = nullptr) const
    {
        dcc_message_info info = {};
        info.struct_size = sizeof info;
        const dcc_status status =
            dcc_session_handle_message(object_, message.data(), message.size(), &info);
        if (status < 0)
            return status;
        result = static_cast<message_outcome>(info.message);
        if (meant == nullptr)
            return status;
        meant->reset();
        if (info.id_type == DCC_ID_INTEGER)
            meant->emplace(info.id_integer);
        else if (info.id_type == DCC_ID_TEXT)
            meant->emplace(std::string(info.id_text, info.id_text_length));
        return status;
    }

    /* Cancels the request in flight with this id in its peer's name. True: this call was the first to do so.
     */
    bool cancel(const request_id &id, std::string_view reason = {}) const noexcept
    {
        return try_cancel(id, reason) == DCC_OK;
    }

    /* As dcc_session_cancel, whose status says why not. */
    dcc_status try_cancel(const request_id &id, std::string_view reason = {}) const noexcept
    {
        const dcc_request_id given = id.get();
        return dcc_session_cancel(object_, &given, reason.data(), reason.size());
    }

    /* The state of this id; see dcc_session_query. */
    request_state query(const request_id &id) const noexcept
    {
        const dcc_request_id given = id.get();
        std::int32_t state = DCC_REQUEST_UNKNOWN;
        dcc_session_query(object_, &given, &state);
        return static_cast<request_state>(state);
    }

    /* Whether the request with this id is cancelled, was cancelled, or will be when it begins. */
    bool is_cancelled(const request_id &id) const noexcept
    {
        const request_state state = query(id);
        return state == request_state::cancelled || state == request_state::held ||
               state == request_state::ended_cancelled;
    }

    /* Why the request was cancelled; empty if it was not. */
    std::string reason(const request_id &id) const
    {
        const dcc_request_id given = id.get();
        return detail::text([this, &given](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_session_reason(object_, &given, buffer, size, length);
        });
    }

    /* Forgets what is remembered of an id without a request in flight. False: nothing is. */
    bool clear(const request_id &id) const noexcept
    {
        const dcc_request_id given = id.get();
        return dcc_session_clear(object_, &given) == DCC_OK;
    }

    /* Forgets what has been remembered for longer than `ttl`. Returns how many ids that were. */
    template <class Rep, class Period>
    std::uint64_t sweep(std::chrono::duration<Rep, Period> ttl) const noexcept
    {
        std::uint64_t count = 0;
        dcc_session_sweep(object_, detail::nanoseconds_of(ttl), &count);
        return count;
    }

    /* For a connection that is closed: cancels all requests, which you still end, forgets what is remembered,
     * and refuses new requests. Closing again does no harm. */
    dcc_status close() const noexcept { return dcc_session_close(object_); }

    session_stats stats() const noexcept
    {
        dcc_session_stats info = {};
        info.struct_size = sizeof info;
        dcc_session_read_stats(object_, &info);
        session_stats result;
        result.is_closed = info.is_closed != 0;
        result.live = info.live;
        result.kept = info.kept;
        result.begun = info.begun;
        result.cancelled = info.cancelled;
        result.early = info.early;
        result.unknown = info.unknown;
        result.without_effect = info.without_effect;
        result.malformed = info.malformed;
        result.others = info.others;
        result.forgotten = info.forgotten;
        return result;
    }

    dcc_session *get() const noexcept { return object_; }

    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    dcc_session *object_ = nullptr;
};

} // namespace dcc

#endif /* DCC_CANCEL_SESSION_HPP */
