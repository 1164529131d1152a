/* From and to std::stop_token, where there is one (C++20). Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_STD_STOP_TOKEN_HPP
#define DCC_CANCEL_STD_STOP_TOKEN_HPP

#if __cplusplus >= 202002L || (defined(_MSVC_LANG) && _MSVC_LANG >= 202002L)
#include <version>
#endif

#if defined(__cpp_lib_jthread)

#include <memory>
#include <new>
#include <stop_token>
#include <utility>

#include "error.hpp"
#include "owner.hpp"
#include "shared_callable.hpp"
#include "token.hpp"

namespace dcc {

namespace detail {

/* Names its token without keeping it: cancelling one that is gone does nothing. */
struct cancels_token {
    const dcc_cancel_token *handle;

    void operator()() const noexcept { dcc_cancel_token_cancel(handle, nullptr, 0); }
};

} // namespace detail

/* A token that is cancelled when a std::stop_token is stopped. The link lives as long as the token;
 * for a stop_token that can never be stopped the token is empty. */
inline token token_from(std::stop_token stop, const owner &plugin = owner())
{
    if (!stop.stop_possible())
        return token();
    token result = token::create();
    using link = std::stop_callback<detail::cancels_token>;
    std::unique_ptr<link> linked(
        new (std::nothrow) link(std::move(stop), detail::cancels_token{result.get()}));
    const dcc_status status =
        linked == nullptr
            ? DCC_ERROR_RESOURCES
            : detail::attach(result, [kept = std::move(linked)] { static_cast<void>(kept); }, plugin);
    detail::throw_if_failed(status);
    return status < 0 ? token() : result;
}

/* A std::stop_token that is stopped when the token is cancelled, for instance for
 * std::condition_variable_any. When the token is gone without that, it can be stopped no more. What
 * others register with it must not throw: std::terminate is std's rule. */
inline std::stop_token std_stop_token_from(const token &from, const owner &plugin = owner())
{
    if (!from)
        return std::stop_token();
    std::stop_source source;
    std::stop_token result = source.get_token();
    detail::throw_if_failed(detail::attach(
        from, [source = std::move(source)]() mutable { source.request_stop(); }, plugin));
    return result;
}

} // namespace dcc

#endif

#endif /* DCC_CANCEL_STD_STOP_TOKEN_HPP */
