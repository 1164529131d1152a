/* Tokens. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TOKEN_HPP
#define DCC_CANCEL_TOKEN_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "error.hpp"
#include "reference.hpp"
#include "text.hpp"

namespace dcc {

/* Why a token is cancelled. */
enum class cause : std::int32_t {
    none = DCC_CAUSE_NONE,
    request = DCC_CAUSE_REQUEST,
    foreign = DCC_CAUSE_FOREIGN
};

/* A cancellation flag with a reason. Copies are the same token. */
class token : public detail::reference<dcc_cancel_token> {
public:
    /* The token that is never cancelled. */
    token() noexcept = default;

    static token create() { return create({}); }

    /* A token that is cancelled when any of its parents is. `job_id` is the id that a server gave
     * the job that this is for. */
    static token create(std::initializer_list<token> parents, std::string_view job_id = {})
    {
        token result;
        detail::throw_if_failed(try_create(result, parents, job_id));
        return result;
    }

    /* As create; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    static dcc_status try_create(token &result, std::initializer_list<token> parents = {},
                                 std::string_view job_id = {}) noexcept
    {
        static_assert(sizeof(token) == sizeof(dcc_cancel_token *) &&
                          std::is_standard_layout_v<token>,
                      "an array of tokens is an array of handles");
        dcc_cancel_token_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.parents = reinterpret_cast<const dcc_cancel_token *const *>(parents.begin());
        desc.parent_count = parents.size();
        desc.job_id = job_id.data();
        desc.job_id_length = job_id.size();
        return dcc_cancel_token_create_from(&desc, result.out());
    }

    /* Takes over a reference that a C function gave. */
    static token adopt(dcc_cancel_token *handle) noexcept { return token(handle); }

    /* Shares a token that was lent. */
    static token share(const dcc_cancel_token *handle) noexcept
    {
        token result(const_cast<dcc_cancel_token *>(handle));
        result.keep();
        return result;
    }

    /* The current token of this thread. */
    static token current() noexcept { return share(dcc_cancel_token_current()); }

    /* True if this call cancelled it, false if it was cancelled before or is no more. */
    bool cancel(std::string_view reason = {}) const noexcept
    {
        return *this && dcc_cancel_token_cancel(get(), reason.data(), reason.size()) == DCC_OK;
    }

    bool is_cancelled() const noexcept { return dcc_cancel_token_is_cancelled(get()) != DCC_OK; }

    /* False for the empty token: a loop may leave polling out. */
    bool can_be_cancelled() const noexcept { return dcc_cancel_token_can_be_cancelled(get()) == 1; }

    std::string reason() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_cancel_token_reason(get(), buffer, size, length);
        });
    }

    dcc::cause cause() const noexcept
    {
        dcc_cause number = DCC_CAUSE_NONE;
        dcc_cancel_token_cause(get(), &number);
        return static_cast<dcc::cause>(number);
    }

    /* Zero while it is not cancelled. */
    std::chrono::nanoseconds time_since_cancelled() const noexcept
    {
        std::uint64_t nanoseconds = 0;
        dcc_cancel_token_time_since_cancelled(get(), &nanoseconds);
        return std::chrono::nanoseconds(nanoseconds);
    }

    std::string job_id() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_cancel_token_job_id(get(), buffer, size, length);
        });
    }

#if DCC_CANCEL_EXCEPTIONS
    void throw_if_cancelled() const
    {
        if (dcc_status status = dcc_cancel_token_is_cancelled(get()))
            detail::throw_cancelled(status < 0 ? DCC_POLL_GONE : status);
    }
#endif

private:
    explicit token(dcc_cancel_token *handle) noexcept : reference(handle) {}
};

} // namespace dcc

#endif /* DCC_CANCEL_TOKEN_HPP */
