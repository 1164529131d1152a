/* Tokens under the names of std::stop_token. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_STOP_TOKEN_HPP
#define DCC_CANCEL_STOP_TOKEN_HPP

#include <string_view>
#include <utility>

#include "callback.hpp"
#include "owner.hpp"
#include "token.hpp"

namespace dcc {

/* Makes a stop_source without a token. */
struct nostopstate_t {
    explicit nostopstate_t() = default;
};
inline constexpr nostopstate_t nostopstate{};

template <class Callable> class stop_callback;

/* A token with the members of std::stop_token, for code that was written for that.
 *
 * There is one difference: every holder of a token can cancel it, so sources are not counted. stop_possible()
 * is true if there is a token; std's becomes false with the last source. */
class stop_token {
public:
    template <class Callable> using callback_type = stop_callback<Callable>;

    /* Without a token; never stopped. */
    stop_token() noexcept = default;
    stop_token(token seen) noexcept : token_(std::move(seen)) {}

    operator const token &() const noexcept { return token_; }

    [[nodiscard]] bool stop_requested() const noexcept { return token_.is_cancelled(); }
    [[nodiscard]] bool stop_possible() const noexcept { return static_cast<bool>(token_); }

    void swap(stop_token &other) noexcept { std::swap(token_, other.token_); }
    friend void swap(stop_token &left, stop_token &right) noexcept { left.swap(right); }

    /* Also with tokens, for which two conversions would be equally good. */
    [[nodiscard]] friend bool operator==(const stop_token &left, const stop_token &right) noexcept
    {
        return left.token_ == right.token_;
    }
    [[nodiscard]] friend bool operator!=(const stop_token &left, const stop_token &right) noexcept
    {
        return left.token_ != right.token_;
    }
    [[nodiscard]] friend bool operator==(const stop_token &left, const token &right) noexcept
    {
        return left.token_ == right;
    }
    [[nodiscard]] friend bool operator!=(const stop_token &left, const token &right) noexcept
    {
        return left.token_ != right;
    }
    [[nodiscard]] friend bool operator==(const token &left, const stop_token &right) noexcept
    {
        return left == right.token_;
    }
    [[nodiscard]] friend bool operator!=(const token &left, const stop_token &right) noexcept
    {
        return left != right.token_;
    }

private:
    token token_;
};

/* A token with the members of std::stop_source. */
class stop_source {
public:
    /* With a new token. */
    stop_source() : token_(token::create()) {}
    explicit stop_source(nostopstate_t) noexcept {}
    /* Stops this token, for instance a job's. */
    explicit stop_source(token stopped) noexcept : token_(std::move(stopped)) {}

    [[nodiscard]] stop_token get_token() const noexcept { return token_; }
    [[nodiscard]] bool stop_requested() const noexcept { return token_.is_cancelled(); }
    [[nodiscard]] bool stop_possible() const noexcept { return static_cast<bool>(token_); }

    /* True: this call was the first. std's has no reason. */
    bool request_stop(std::string_view reason = {}) const noexcept { return token_.cancel(reason); }

    void swap(stop_source &other) noexcept { std::swap(token_, other.token_); }
    friend void swap(stop_source &left, stop_source &right) noexcept { left.swap(right); }

    [[nodiscard]] friend bool operator==(const stop_source &left, const stop_source &right) noexcept
    {
        return left.token_ == right.token_;
    }
    [[nodiscard]] friend bool operator!=(const stop_source &left, const stop_source &right) noexcept
    {
        return !(left == right);
    }

private:
    token token_;
};

/* cancel_callback under std's name. It is a class because C++17 does not deduce the template arguments of an
 * alias. */
template <class Callable> class stop_callback : public cancel_callback<Callable> {
public:
    using cancel_callback<Callable>::cancel_callback;
};

template <class Callable> stop_callback(stop_token, Callable) -> stop_callback<Callable>;
template <class Callable>
stop_callback(stop_token, Callable, const owner &) -> stop_callback<Callable>;

} // namespace dcc

#endif /* DCC_CANCEL_STOP_TOKEN_HPP */
