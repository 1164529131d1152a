/* The live jobs of the process, page by page. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_LIVE_JOBS_HPP
#define DCC_CANCEL_LIVE_JOBS_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include "error.hpp"

namespace dcc {

/* A page of the live jobs; see dcc_stats_jobs_page. */
struct jobs_page {
    /* Negative: it failed; only if exceptions are disabled. */
    dcc_status status = DCC_OK;
    /* {"jobs": [...], "next": number} */
    std::string json;
    /* Where the next page begins; 0: this is the last page. */
    std::uint64_t next = 0;
};

/* The page of the live jobs that begins at `from`; 0 means the first page. It takes well below a millisecond,
 * so a UI thread may list a million jobs, a page in each tick. */
inline jobs_page live_jobs(std::uint64_t from = 0)
{
    jobs_page page;
    std::size_t length = 16384;
    do {
        // Asked again with more room: a job may have grown since its length was told.
        page.json.resize(length + 1);
        page.status = dcc_stats_jobs_page(from, 0, &page.json[0], page.json.size(), &length, &page.next);
    } while (page.status < 0 && length >= page.json.size());
    page.json.resize(page.status < 0 ? 0 : length);
    detail::throw_if_failed(page.status);
    return page;
}

} // namespace dcc

#endif /* DCC_CANCEL_LIVE_JOBS_HPP */
