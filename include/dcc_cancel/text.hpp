/* The library's texts as std::string. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TEXT_HPP
#define DCC_CANCEL_TEXT_HPP

#include <cstddef>
#include <string>

#include "../dcc_cancel.h"

namespace dcc {

namespace detail {

/* Returns a text that `fetch` writes into a buffer as snprintf does. */
template <class Fetch> std::string text(Fetch fetch)
{
    char first[128];
    std::size_t length = 0;
    if (fetch(first, sizeof first, &length) < 0)
        return std::string();
    if (length < sizeof first)
        return std::string(first, length);
    std::string longer;
    // The text may change between two calls, so its length may as well.
    do {
        longer.resize(length + 1);
        if (fetch(&longer[0], longer.size(), &length) < 0)
            return std::string();
    } while (length >= longer.size());
    longer.resize(length);
    return longer;
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_TEXT_HPP */
