/* Requests of a peer. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_REQUEST_HPP
#define DCC_CANCEL_REQUEST_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "job.hpp"
#include "reference.hpp"
#include "request_id.hpp"
#include "text.hpp"
#include "token.hpp"

namespace dcc {

/* What is owed to the peer of a request that ended. */
enum class owed : std::int32_t {
    /* The result of its request. */
    result = DCC_OWED_RESULT,
    /* Nothing; it does not wait for an answer any more. */
    nothing = DCC_OWED_NOTHING,
    /* The error that cancelled_reply writes. */
    cancelled = DCC_OWED_CANCELLED
};

/* What a request begins with. */
struct request_options {
    /* A token whose cancel cancels the request. */
    token parent = {};
    /* False: its peer cannot cancel it, as MCP demands of `initialize`. */
    bool cancellable = true;
    /* `params._meta.progressToken` of the call; nullopt if its peer does not ask for progress. */
    std::optional<request_id> progress_token = {};
    /* The call's `params._meta` as JSON: progress token, `traceparent`, and how long the peer waits; see
     * dcc_request_desc. Read while the request begins. */
    std::string_view meta = {};
};

/* A request of a session: an id in flight, with a token. Copies are the same request; end it when its answer
 * is known. If the last copy goes before the end, for instance because a handler throws, the id is still
 * freed. */
class request : public detail::reference<dcc_request> {
public:
    /* No request. */
    request() noexcept = default;

    /* Takes over a reference from a C function. */
    static request adopt(dcc_request *handle) noexcept { return request(handle); }

    /* Adds a reference to a request that was lent. */
    static request share(const dcc_request *handle) noexcept
    {
        request result(const_cast<dcc_request *>(handle));
        result.keep();
        return result;
    }

    /* The parent of the jobs that work for the request. */
    dcc::token token() const noexcept { return dcc::token::share(dcc_request_token(get())); }

    bool is_cancelled() const noexcept
    {
        return dcc_cancel_token_is_cancelled(dcc_request_token(get())) != DCC_OK;
    }

    /* Cancels the request in its peer's name, for instance because the stream of its response was closed.
     * True: this call was the first to cancel it, and it had not ended. */
    bool cancel(std::string_view reason = {}) const noexcept
    {
        return *this && try_cancel(reason) == DCC_OK;
    }

    /* As dcc_request_cancel. */
    dcc_status try_cancel(std::string_view reason = {}) const noexcept
    {
        return dcc_request_cancel(get(), reason.data(), reason.size());
    }

    /* Passes the point of no return, for work without a job. True: go ahead, no cancel reaches the request
     * any more, and its peer gets the result. False: a cancel came first, or the request has ended. */
    [[nodiscard]] bool seal() const noexcept { return try_seal() == DCC_OK; }

    /* As dcc_request_seal. */
    [[nodiscard]] dcc_status try_seal() const noexcept { return dcc_request_seal(get()); }

    /* Notes the progress, for progress_note; `total` is 0 while unknown. Cheap, so call it at each step.
     * False: the request has ended, or a number is infinite or not a number. */
    bool set_progress(double progress, double total = 0, std::string_view message = {}) const noexcept
    {
        dcc_request_progress made = {};
        made.struct_size = sizeof made;
        made.progress = progress;
        made.total = total;
        made.message = message.empty() ? nullptr : message.data();
        made.message_length = message.size();
        return *this && dcc_request_set_progress(get(), &made) == DCC_OK;
    }

    /* Takes the progress from a job that works for the request, now and in each later progress_note. */
    bool set_progress(const job &work) const noexcept
    {
        return *this && dcc_request_set_progress_of_job(get(), work.get()) == DCC_OK;
    }

    /* The `notifications/progress` that is due for the peer; empty if none is. Call it from a tick or after
     * each step; with a heartbeat of the session, from a thread that is not busy with the work. See
     * dcc_request_write_progress, also about the lock of your output. */
    std::string progress_note() const { return written_progress(0u); }

    /* As progress_note, but without waiting for the interval: for the last step, right before the end. */
    std::string last_progress_note() const { return written_progress(DCC_PROGRESS_NOW); }

    /* Ends the request, so that its id may be used again. A second call answers the same. For no request, and
     * for a failure, the answer is owed::nothing. */
    owed end() const noexcept
    {
        owed result = owed::nothing;
        if (*this)
            try_end(result);
        return result;
    }

    /* As dcc_request_end; `result` is unchanged if the answer is negative. */
    dcc_status try_end(owed &result) const noexcept
    {
        std::int32_t number = 0;
        const dcc_status status = dcc_request_end(get(), &number);
        if (status >= 0)
            result = static_cast<owed>(number);
        return status;
    }

    /* The JSON-RPC error, with the id in its exact type, for a peer to which owed::cancelled is owed; else
     * empty. */
    std::string cancelled_reply() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_request_write_cancelled(get(), buffer, size, length);
        });
    }

private:
    explicit request(dcc_request *handle) noexcept : reference(handle) {}

    std::string written_progress(std::uint32_t flags) const
    {
        return detail::text([this, flags](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_request_write_progress(get(), flags, buffer, size, length);
        });
    }
};

} // namespace dcc

template <> struct std::hash<dcc::request> : dcc::detail::reference_hash<dcc::request> {
};

#endif /* DCC_CANCEL_REQUEST_HPP */
