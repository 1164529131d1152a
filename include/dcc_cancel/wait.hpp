/* Waiting for one of several tokens; for one token see token::wait. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_WAIT_HPP
#define DCC_CANCEL_WAIT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <type_traits>

#include "error.hpp"
#include "time.hpp"
#include "token.hpp"
#include "token_range.hpp"

namespace dcc {

/* The end of a wait; true for a cancel. */
struct wait_result {
    /* As dcc_cancel_token_wait_any. */
    dcc_status status = DCC_OK;
    /* Position of the token that ended the wait, 0 if none did. */
    std::size_t index = 0;

    explicit operator bool() const noexcept { return status == DCC_CANCELLED_BY_TOKEN; }
};

namespace detail {

inline wait_result wait_any(const token *tokens, std::size_t count, std::uint64_t nanoseconds)
{
    wait_result result;
    result.status =
        dcc_cancel_token_wait_any(token::handles(tokens), count, nanoseconds, &result.index);
    throw_if_failed(result.status);
    return result;
}

template <class Range> wait_result wait_any_of(const Range &tokens, std::uint64_t nanoseconds)
{
    const token_array<token> waited(std::begin(tokens), std::end(tokens));
    if (waited)
        return wait_any(waited.data(), waited.size(), nanoseconds);
    throw_if_failed(DCC_ERROR_RESOURCES);
    return {DCC_ERROR_RESOURCES, 0};
}

} // namespace detail

/* Waits until one of the tokens is cancelled. DCC_NEVER at once if all are empty. */
inline wait_result wait_any(const token *tokens, std::size_t count)
{
    return detail::wait_any(tokens, count, DCC_NO_LIMIT);
}
inline wait_result wait_any(std::initializer_list<token> tokens)
{
    return wait_any(tokens.begin(), tokens.size());
}

/* As above, for any range of tokens. */
template <class Range, class = std::enable_if_t<detail::has_tokens<Range>::value>>
wait_result wait_any(const Range &tokens)
{
    return detail::wait_any_of(tokens, DCC_NO_LIMIT);
}

/* As wait_any, but at most `timeout`. */
template <class Rep, class Period>
wait_result wait_any(const token *tokens, std::size_t count,
                     std::chrono::duration<Rep, Period> timeout)
{
    return detail::wait_any(tokens, count, detail::nanoseconds_of(timeout));
}
template <class Rep, class Period>
wait_result wait_any(std::initializer_list<token> tokens, std::chrono::duration<Rep, Period> timeout)
{
    return wait_any(tokens.begin(), tokens.size(), timeout);
}
template <class Range, class Rep, class Period,
          class = std::enable_if_t<detail::has_tokens<Range>::value>>
wait_result wait_any(const Range &tokens, std::chrono::duration<Rep, Period> timeout)
{
    return detail::wait_any_of(tokens, detail::nanoseconds_of(timeout));
}

} // namespace dcc

#endif /* DCC_CANCEL_WAIT_HPP */
