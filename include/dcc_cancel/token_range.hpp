/* Ranges of tokens, for parents and waits. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TOKEN_RANGE_HPP
#define DCC_CANCEL_TOKEN_RANGE_HPP

#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace dcc {

class token;

namespace detail {

/* Whether the elements of an iterator, at least a forward one, are tokens or convert to tokens. */
template <class Iterator, class = void> struct leads_to_tokens : std::false_type {
};
template <class Iterator>
struct leads_to_tokens<
    Iterator,
    std::enable_if_t<
        std::is_convertible_v<decltype(*std::declval<const Iterator &>()), const token &> &&
        std::is_base_of_v<std::forward_iterator_tag,
                          typename std::iterator_traits<Iterator>::iterator_category>>>
    : std::true_type {
};

template <class Range>
using iterator_of = decltype(std::begin(std::declval<const Range &>()));

template <class Range, class = void> struct has_tokens : std::false_type {
};
template <class Range>
struct has_tokens<Range, std::enable_if_t<leads_to_tokens<iterator_of<Range>>::value>>
    : std::true_type {
};

/* Copies of the tokens of a range, in an array. */
template <class Token> class token_array {
public:
    template <class Iterator> token_array(Iterator first, Iterator last) noexcept
    {
        const std::size_t count = static_cast<std::size_t>(std::distance(first, last));
        if (count == 0)
            return;
        tokens_.reset(new (std::nothrow) Token[count]);
        if (!tokens_) {
            is_short_ = true;
            return;
        }
        for (; first != last; ++first)
            tokens_[count_++] = static_cast<const Token &>(*first);
    }

    /* False: there was no memory. */
    explicit operator bool() const noexcept { return !is_short_; }

    const Token *data() const noexcept { return tokens_.get(); }
    std::size_t size() const noexcept { return count_; }

private:
    std::unique_ptr<Token[]> tokens_;
    std::size_t count_ = 0;
    bool is_short_ = false;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_TOKEN_RANGE_HPP */
