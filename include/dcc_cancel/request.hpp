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
    /* The answer to its request. */
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
    /* False: its peer cannot cancel it, as MCP has it for `initialize`. */
    bool cancellable = true;
    /* `params._meta.progressToken` of the call; without one its peer does not ask for progress. */
    std::optional<request_id> progress_token = {};
    /* The JSON of the call's `params._meta`: its progress token, its `traceparent`, and how long its peer
       waits; see dcc_request_desc. It is read while the request begins. */
    std::string_view meta = {};
};

/* A request of a session: an id in flight with its token. Copies are the same request; end it when its
 * answer is known. The last one that goes before the end frees the id all the same, as when a handler
 * throws. */
class request : public detail::reference<dcc_request> {
public:
    /* No request. */
    request() noexcept = default;

    /* Takes over a reference that a C function gave. */
    static request adopt(dcc_request *handle) noexcept { return request(handle); }

    /* Shares a request that was lent. */
    static request share(const dcc_request *handle) noexcept
    {
        request result(const_cast<dcc_request *>(handle));
        result.keep();
        return result;
    }

    /* The parent of the jobs that work for it. */
    dcc::token token() const noexcept { return dcc::token::share(dcc_request_token(get())); }

    bool is_cancelled() const noexcept
    {
        return dcc_cancel_token_is_cancelled(dcc_request_token(get())) != DCC_OK;
    }

    /* Cancels it in its peer's name, for instance because the stream of its response was closed. True
     * if this call was the first to cancel it and it had not ended. */
    bool cancel(std::string_view reason = {}) const noexcept
    {
        return *this && try_cancel(reason) == DCC_OK;
    }

    /* As dcc_request_cancel. */
    dcc_status try_cancel(std::string_view reason = {}) const noexcept
    {
        return dcc_request_cancel(get(), reason.data(), reason.size());
    }

    /* Lets it pass its point of no return, for work that no job stands for. True: go ahead, no cancel
     * reaches it any more, and its peer gets the result. False: a cancel was first, or it has ended. */
    [[nodiscard]] bool seal() const noexcept { return try_seal() == DCC_OK; }

    /* As dcc_request_seal. */
    [[nodiscard]] dcc_status try_seal() const noexcept { return dcc_request_seal(get()); }

    /* Notes how far it is, for progress_note; `total` is 0 while unknown. Cheap: tell it of every step.
     * False: it has ended, or a number is none. */
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

    /* As far as a job that works for it, now and in each progress_note to come. */
    bool set_progress(const job &work) const noexcept
    {
        return *this && dcc_request_set_progress_of_job(get(), work.get()) == DCC_OK;
    }

    /* The `notifications/progress` that its peer is to be told now; empty if none is due. From a tick or
     * after each step; where the session has a heartbeat, from a thread that the work does not keep. See
     * dcc_request_write_progress, also for the lock of your output. */
    std::string progress_note() const { return written_progress(0u); }

    /* As progress_note, due or not: for the last step, right before the end. */
    std::string last_progress_note() const { return written_progress(DCC_PROGRESS_NOW); }

    /* Ends it: its id may be used again. Asked again it answers the same, and nothing is owed by what is
     * no request. */
    owed end() const noexcept
    {
        owed result = owed::nothing;
        if (*this)
            try_end(result);
        return result;
    }

    /* As dcc_request_end; `result` is not touched if the answer is negative. */
    dcc_status try_end(owed &result) const noexcept
    {
        std::int32_t number = 0;
        const dcc_status status = dcc_request_end(get(), &number);
        if (status >= 0)
            result = static_cast<owed>(number);
        return status;
    }

    /* The JSON-RPC error, with the id in its exact type, for a peer to whom owed::cancelled is owed;
     * empty if it is not. */
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
