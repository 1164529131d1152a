/* Tokens. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TOKEN_HPP
#define DCC_CANCEL_TOKEN_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "error.hpp"
#include "native_event.hpp"
#include "reference.hpp"
#include "text.hpp"
#include "time.hpp"
#include "token_range.hpp"

namespace dcc {

/* Why a token is cancelled. */
enum class cause : std::int32_t {
    none = DCC_CAUSE_NONE,
    request = DCC_CAUSE_REQUEST,
    foreign = DCC_CAUSE_FOREIGN,
    deadline = DCC_CAUSE_DEADLINE
};

/* A cancellation flag with a reason. Copies are the same token. */
class token : public detail::reference<dcc_cancel_token> {
public:
    /* The token that is never cancelled. */
    token() noexcept = default;

    static token create() { return create({}); }

    /* A token that is cancelled when one of its parents is. `caller_id` is your caller's id for this work,
     * for instance a server's. */
    static token create(std::initializer_list<token> parents, std::string_view caller_id = {})
    {
        token result;
        detail::throw_if_failed(try_create(result, parents, caller_id));
        return result;
    }

    /* The same with parents from any range, or between two iterators, whose elements are tokens or convert to
     * tokens, as a stop_token does. */
    template <class Range, class = std::enable_if_t<detail::has_tokens<Range>::value>>
    static token create(const Range &parents, std::string_view caller_id = {})
    {
        return create(std::begin(parents), std::end(parents), caller_id);
    }
    template <class Iterator, class = std::enable_if_t<detail::leads_to_tokens<Iterator>::value>>
    static token create(Iterator first, Iterator last, std::string_view caller_id = {})
    {
        token result;
        detail::throw_if_failed(try_create(result, first, last, caller_id));
        return result;
    }

    /* A token that is cancelled when the current token or job of this thread is; see DCC_TOKEN_BELOW_CURRENT.
     * For a part of a job's work that can be stopped by itself. */
    static token create_below_current(std::string_view caller_id = {})
    {
        token result;
        detail::throw_if_failed(try_create_below_current(result, caller_id));
        return result;
    }

    /* As create; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    static dcc_status try_create(token &result, std::initializer_list<token> parents = {},
                                 std::string_view caller_id = {}) noexcept
    {
        return create_from(result, parents.begin(), parents.size(), caller_id);
    }
    static dcc_status try_create_below_current(token &result, std::string_view caller_id = {}) noexcept
    {
        return create_from(result, nullptr, 0, caller_id, DCC_TOKEN_BELOW_CURRENT);
    }
    template <class Range, class = std::enable_if_t<detail::has_tokens<Range>::value>>
    static dcc_status try_create(token &result, const Range &parents,
                                 std::string_view caller_id = {}) noexcept
    {
        return try_create(result, std::begin(parents), std::end(parents), caller_id);
    }
    template <class Iterator, class = std::enable_if_t<detail::leads_to_tokens<Iterator>::value>>
    static dcc_status try_create(token &result, Iterator first, Iterator last,
                                 std::string_view caller_id = {}) noexcept
    {
        const detail::token_array<token> parents(first, last);
        result.reset();
        return parents ? create_from(result, parents.data(), parents.size(), caller_id)
                       : DCC_ERROR_RESOURCES;
    }

    /* A token that is cancelled when all parents have left. A parent leaves when it is cancelled, or when its
     * last reference is released. For work for which several wait. The token keeps no parent alive; an empty
     * parent never leaves. More parents may join. */
    static token create_all(std::initializer_list<token> parents = {})
    {
        token result;
        detail::throw_if_failed(try_create_all(result, parents));
        return result;
    }
    template <class Range, class = std::enable_if_t<detail::has_tokens<Range>::value>>
    static token create_all(const Range &parents)
    {
        token result;
        detail::throw_if_failed(try_create_all(result, parents));
        return result;
    }

    /* As create_all; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    static dcc_status try_create_all(token &result, std::initializer_list<token> parents = {}) noexcept
    {
        result.reset();
        return create_all_of(result, parents.begin(), parents.size());
    }
    template <class Range, class = std::enable_if_t<detail::has_tokens<Range>::value>>
    static dcc_status try_create_all(token &result, const Range &parents) noexcept
    {
        const detail::token_array<token> copied(std::begin(parents), std::end(parents));
        result.reset();
        return copied ? create_all_of(result, copied.data(), copied.size()) : DCC_ERROR_RESOURCES;
    }

    /* Adds a parent to a token of create_all. False: too late, the token is cancelled. */
    bool join(const token &parent) const { return succeeded(try_join(parent)); }

    /* As dcc_cancel_token_join. */
    dcc_status try_join(const token &parent) const noexcept
    {
        return dcc_cancel_token_join(get(), parent.get());
    }

    /* Takes over a reference from a C function. */
    static token adopt(dcc_cancel_token *handle) noexcept { return token(handle); }

    /* Adds a reference to a token that was lent. */
    static token share(const dcc_cancel_token *handle) noexcept
    {
        token result(const_cast<dcc_cancel_token *>(handle));
        result.keep();
        return result;
    }

    /* An array of tokens as C functions take it. */
    static const dcc_cancel_token *const *handles(const token *tokens) noexcept
    {
        static_assert(sizeof(token) == sizeof(dcc_cancel_token *) &&
                          std::is_standard_layout_v<token>,
                      "an array of tokens is an array of handles");
        return reinterpret_cast<const dcc_cancel_token *const *>(tokens);
    }

    /* The current token of this thread. */
    static token current() noexcept { return share(dcc_cancel_token_current()); }

    /* True: this call cancelled the token. False: it was cancelled before, is sealed, or is gone. */
    bool cancel(std::string_view reason = {}) const noexcept
    {
        return *this && dcc_cancel_token_cancel(get(), reason.data(), reason.size()) == DCC_OK;
    }

    /* As cancel, but callbacks run on the library's callback thread: for threads that must not run foreign
     * code. Throws if that thread cannot be started; then nothing was cancelled. */
    bool cancel_async(std::string_view reason = {}) const
    {
        return *this && succeeded(try_cancel_async(reason));
    }

    dcc_status try_cancel_async(std::string_view reason = {}) const noexcept
    {
        return dcc_cancel_token_cancel_async(get(), reason.data(), reason.size());
    }

    /* Sets the token's deadline: then it is cancelled (cause::deadline), unless clear_deadline comes before;
     * for a scope use dcc::deadline. A token has one deadline, and this moves it; any cancel clears it. A
     * time that has passed cancels before this returns, and callbacks run on this thread. False: the token is
     * cancelled already, or sealed. Throws if the library's threads cannot be started. */
    template <class Rep, class Period>
    bool set_deadline_after(std::chrono::duration<Rep, Period> from_now) const
    {
        return *this && succeeded(try_set_deadline_after(from_now));
    }
    template <class Clock, class Duration>
    bool set_deadline(std::chrono::time_point<Clock, Duration> time) const
    {
        return *this && succeeded(try_set_deadline(time));
    }

    template <class Rep, class Period>
    dcc_status try_set_deadline_after(std::chrono::duration<Rep, Period> from_now) const noexcept
    {
        return dcc_cancel_token_set_deadline_after(get(), detail::nanoseconds_of(from_now));
    }
    template <class Clock, class Duration>
    dcc_status try_set_deadline(std::chrono::time_point<Clock, Duration> time) const noexcept
    {
        return dcc_cancel_token_set_deadline_after(get(), detail::nanoseconds_until(time));
    }

    /* True: the token had a deadline of its own, which will not cancel it. */
    bool clear_deadline() const noexcept { return dcc_cancel_token_clear_deadline(get()) == DCC_OK; }

    /* Time to the earliest of the token's own deadline and those of its ancestors. nullopt: there is none, or
     * the token is cancelled. Zero: the deadline is over but has not cancelled yet. */
    std::optional<std::chrono::nanoseconds> time_to_deadline() const noexcept
    {
        std::uint64_t time = 0;
        if (dcc_cancel_token_deadline(get(), &time) != DCC_OK)
            return std::nullopt;
        const std::uint64_t now = dcc_clock_now_ns();
        return detail::duration_of(time > now ? time - now : 0);
    }

    /* Waits until the token is cancelled: true. False at once for the empty token, and when the token is
     * sealed. Not for the host's UI thread. */
    bool wait() const { return ended_by_cancel(dcc_cancel_token_wait(get(), DCC_NO_LIMIT)); }

    /* As wait; false, too, if the time was over before. */
    template <class Rep, class Period> bool wait_for(std::chrono::duration<Rep, Period> longest) const
    {
        return ended_by_cancel(try_wait_for(longest));
    }
    template <class Clock, class Duration>
    bool wait_until(std::chrono::time_point<Clock, Duration> time) const
    {
        return ended_by_cancel(dcc_cancel_token_wait(get(), detail::nanoseconds_until(time)));
    }

    /* As dcc_cancel_token_wait. */
    template <class Rep, class Period>
    dcc_status try_wait_for(std::chrono::duration<Rep, Period> longest) const noexcept
    {
        return dcc_cancel_token_wait(get(), detail::nanoseconds_of(longest));
    }

    /* A native event that is set when the token is cancelled or gone; never for the empty token. */
    dcc::native_event native_event() const
    {
        dcc::native_event result;
        detail::throw_if_failed(try_native_event(result));
        return result;
    }

    /* As native_event; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    dcc_status try_native_event(dcc::native_event &result) const noexcept
    {
        dcc_native_event handle = DCC_NO_NATIVE_EVENT;
        const dcc_status status = dcc_cancel_token_native_event(get(), &handle);
        result = dcc::native_event::adopt(handle);
        return status;
    }

    bool is_cancelled() const noexcept { return dcc_cancel_token_is_cancelled(get()) != DCC_OK; }

    std::string reason() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_cancel_token_reason(get(), buffer, size, length);
        });
    }

    /* The `traceparent` that the token works for; empty for none. See dcc_cancel_token_trace_parent. */
    std::string trace_parent() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_cancel_token_trace_parent(get(), buffer, size, length);
        });
    }

    dcc::cause cause() const noexcept
    {
        dcc_cause number = DCC_CAUSE_NONE;
        dcc_cancel_token_cause(get(), &number);
        return static_cast<dcc::cause>(number);
    }

    /* Zero while the token is not cancelled. */
    std::chrono::nanoseconds time_since_cancelled() const noexcept
    {
        std::uint64_t nanoseconds = 0;
        dcc_cancel_token_time_since_cancelled(get(), &nanoseconds);
        return std::chrono::nanoseconds(nanoseconds);
    }

    std::string caller_id() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_cancel_token_caller_id(get(), buffer, size, length);
        });
    }

#if DCC_CANCEL_EXCEPTIONS
    /* Throws a cancelled_error if the token is cancelled. */
    void throw_if_cancelled() const;
#endif

private:
    explicit token(dcc_cancel_token *handle) noexcept : reference(handle) {}

    static dcc_status create_from(token &result, const token *parents, std::size_t count,
                                  std::string_view caller_id, std::uint32_t flags = 0) noexcept
    {
        dcc_cancel_token_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.flags = flags;
        desc.parents = handles(parents);
        desc.parent_count = count;
        desc.caller_id = caller_id.data();
        desc.caller_id_length = caller_id.size();
        return dcc_cancel_token_create_from(&desc, result.out());
    }

    static dcc_status create_all_of(token &result, const token *parents, std::size_t count) noexcept
    {
        return dcc_cancel_token_create_all(handles(parents), count, result.out());
    }

    static bool succeeded(dcc_status status)
    {
        detail::throw_if_failed(status);
        return status == DCC_OK || status == DCC_SECOND_INSTANCE;
    }

    static bool ended_by_cancel(dcc_status status)
    {
        detail::throw_if_failed(status);
        return status == DCC_CANCELLED_BY_TOKEN;
    }
};

} // namespace dcc

template <> struct std::hash<dcc::token> : dcc::detail::reference_hash<dcc::token> {
};

#include "cancelled_error.hpp"

#endif /* DCC_CANCEL_TOKEN_HPP */
