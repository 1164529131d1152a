/* Links from and to std::stop_token, in C++20. Part of dcc_cancel.hpp. */

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

#include "callback.hpp"
#include "error.hpp"
#include "owner.hpp"
#include "shared_callable.hpp"
#include "token.hpp"

namespace dcc {

namespace detail {

/* Cancels a token that it does not keep: if the token is gone, nothing happens. */
struct cancels_token {
    const dcc_cancel_token *handle;

    void operator()() const noexcept { dcc_cancel_token_cancel(handle, nullptr, 0); }
};

} // namespace detail

/* A token that is cancelled when a std::stop_token is stopped. The link lives as long as the token. If `stop`
 * can never be stopped, the token is empty.
 *
 * The link cancels a parent of the token, not the token itself: a callback that waits for a parent's cancel
 * keeps its token alive. */
inline token token_from(std::stop_token stop, const owner &plugin = owner())
{
    if (!stop.stop_possible())
        return token();
    const token parent = token::create();
    using link = std::stop_callback<detail::cancels_token>;
    std::unique_ptr<link> linked(
        new (std::nothrow) link(std::move(stop), detail::cancels_token{parent.get()}));
    const dcc_status status =
        linked == nullptr
            ? DCC_ERROR_RESOURCES
            : detail::attach(parent, [kept = std::move(linked)] { static_cast<void>(kept); }, plugin);
    detail::throw_if_failed(status);
    return status < 0 ? token() : token::create({parent});
}

/* A link from a token to std::stop_token, for instance for std::condition_variable_any: the std::stop_token
 * to which it converts is stopped when the token is cancelled, as long as this object lives. One link serves
 * any number of waits:
 *
 *     const dcc::std_stop_link stop(token);
 *     while (changed.wait(lock, stop, [&] { return !queue.empty(); }))
 *         work_on(queue);
 *
 * A temporary link gives out no std::stop_token, which would not be stopped after the statement. What others
 * register with the std::stop_token must not throw: std calls std::terminate then. */
class std_stop_link {
    struct stops {
        std::stop_source source;

        void operator()() noexcept { source.request_stop(); }
    };

public:
    explicit std_stop_link(const token &from, const owner &plugin = owner())
        : source_(from ? std::stop_source() : std::stop_source(std::nostopstate)),
          link_(from, stops{source_}, plugin)
    {
    }

    /* Negative: the link failed. If exceptions are enabled, the constructors throw this. */
    dcc_status status() const noexcept { return link_.status(); }

    [[nodiscard]] std::stop_token get_token() const & noexcept { return source_.get_token(); }
    [[nodiscard]] std::stop_token get_token() const && = delete;
    operator std::stop_token() const & noexcept { return source_.get_token(); }
    operator std::stop_token() const && = delete;

private:
    std::stop_source source_;
    cancel_callback<stops> link_;
};

/* The link as a function, for a token that is not a temporary. */
[[nodiscard]] inline std_stop_link std_stop_token_from(const token &from, const owner &plugin = owner())
{
    return std_stop_link(from, plugin);
}
std_stop_link std_stop_token_from(token &&, const owner & = owner()) = delete;

} // namespace dcc

#endif

#endif /* DCC_CANCEL_STD_STOP_TOKEN_HPP */
