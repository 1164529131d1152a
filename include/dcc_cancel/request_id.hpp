/* Ids of requests. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_REQUEST_ID_HPP
#define DCC_CANCEL_REQUEST_ID_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../dcc_cancel.h"

namespace dcc {

namespace detail {

template <class Type>
inline constexpr bool is_character =
    std::is_same_v<Type, char> || std::is_same_v<Type, wchar_t> ||
    std::is_same_v<Type, char16_t> || std::is_same_v<Type, char32_t>
#if defined(__cpp_char8_t)
    || std::is_same_v<Type, char8_t>
#endif
    ;

/* Integers whose values all fit into 64 bits with a sign, but no bool and no character. */
template <class Type>
inline constexpr bool is_id_integer =
    std::is_integral_v<Type> && !std::is_same_v<Type, bool> && !is_character<Type> &&
    (std::is_signed_v<Type> ? sizeof(Type) <= 8 : sizeof(Type) < 8);

} // namespace detail

/* A peer's id for a request: an integer or a text, as it came over the wire. 1 is not "1". */
class request_id {
public:
    /* A type that may exceed INT64_MAX, such as std::size_t, is not taken: check and convert it yourself. */
    template <class Integer, std::enable_if_t<detail::is_id_integer<Integer>, int> = 0>
    request_id(Integer integer) noexcept : integer_(integer)
    {
    }

    /* UTF-8 of up to DCC_MAX_REQUEST_ID_LENGTH bytes. */
    request_id(std::string text) noexcept : is_text_(true), text_(std::move(text)) {}
    request_id(std::string_view text) : is_text_(true), text_(text) {}
    request_id(const char *text) : is_text_(true), text_(text) {}

    bool is_text() const noexcept { return is_text_; }

    /* 0 if it is a text. */
    std::int64_t integer() const noexcept { return integer_; }

    /* Empty if it is an integer. */
    const std::string &text() const noexcept { return text_; }

    /* For C functions; good while this object lives and is not changed. */
    dcc_request_id get() const noexcept
    {
        dcc_request_id id = {};
        id.type = is_text_ ? DCC_ID_TEXT : DCC_ID_INTEGER;
        id.integer = integer_;
        id.text = text_.data();
        id.text_length = text_.size();
        return id;
    }

    friend bool operator==(const request_id &left, const request_id &right) noexcept
    {
        return left.is_text_ == right.is_text_ && left.integer_ == right.integer_ &&
               left.text_ == right.text_;
    }
    friend bool operator!=(const request_id &left, const request_id &right) noexcept
    {
        return !(left == right);
    }

    /* For maps: integers first. */
    friend bool operator<(const request_id &left, const request_id &right) noexcept
    {
        if (left.is_text_ != right.is_text_)
            return right.is_text_;
        return left.is_text_ ? left.text_ < right.text_ : left.integer_ < right.integer_;
    }

private:
    bool is_text_ = false;
    std::int64_t integer_ = 0;
    std::string text_;
};

} // namespace dcc

#endif /* DCC_CANCEL_REQUEST_ID_HPP */
