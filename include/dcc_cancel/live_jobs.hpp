/* The live jobs of the process, page by page. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_LIVE_JOBS_HPP
#define DCC_CANCEL_LIVE_JOBS_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include "error.hpp"

namespace dcc {

/* Some of the live jobs; see dcc_stats_jobs_page. */
struct jobs_page {
    /* Negative if it failed; only where exceptions are disabled. */
    dcc_status status = DCC_OK;
    /* {"jobs": [...], "next": number} */
    std::string json;
    /* Where the next page begins; 0: this was the last one. */
    std::uint64_t next = 0;
};

/* The page of the live jobs that begins there; 0 is the first one. It takes well below a millisecond, so
 * that a UI thread may list a million of them a page at a tick. */
inline jobs_page live_jobs(std::uint64_t from = 0)
{
    jobs_page page;
    std::size_t length = 16384;
    do {
        // A job that had no room may have grown in between.
        page.json.resize(length + 1);
        page.status = dcc_stats_jobs_page(from, 0, &page.json[0], page.json.size(), &length, &page.next);
    } while (page.status < 0 && length >= page.json.size());
    page.json.resize(page.status < 0 ? 0 : length);
    detail::throw_if_failed(page.status);
    return page;
}

} // namespace dcc

#endif /* DCC_CANCEL_LIVE_JOBS_HPP */
