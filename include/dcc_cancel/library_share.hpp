/* Another library's progress as a share of a job's bar. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_LIBRARY_SHARE_HPP
#define DCC_CANCEL_LIBRARY_SHARE_HPP

#include <atomic>
#include <cstdint>
#include <string_view>

#include "config.hpp"
#include "job.hpp"
#include "../dcc_cancel.h"

namespace dcc {
namespace detail {

/* A share of the share that is current where this is made. It begins with the first report, so a library
 * without reports takes no part of the bar. Any thread may report. A report that comes while another thread
 * begins the share is left out. */
class library_share {
public:
    library_share() noexcept = default;

    explicit library_share(const job &told) noexcept : above_(told ? dcc_progress_current() : nullptr)
    {
        if (dcc_progress_retain(above_) < 0)
            above_ = nullptr;
    }

    library_share(const library_share &) = delete;
    library_share &operator=(const library_share &) = delete;

    ~library_share()
    {
        end();
        dcc_progress_release(const_cast<dcc_progress *>(above_));
    }

    void set_progress(const job &told, std::uint64_t done, std::uint64_t total, const char *file,
                      unsigned line) noexcept
    {
        const dcc_progress *share = begun(told);
        dcc_ticket ticket = 0;
        if (share == nullptr || dcc_progress_set_current(share, &ticket) != DCC_OK)
            return;
        told.set_progress(done, total, {}, file, line);
        dcc_progress_reset_current(ticket);
    }

    void set_message(const job &told, std::string_view message) noexcept
    {
        if (const dcc_progress *share = begun(told))
            dcc_progress_set_message(share, message.data(), message.size());
    }

    /* Ends the share: the library is done, or its next call begins, and no thread reports any more. */
    void end() noexcept
    {
        dcc_progress *ended = share_.exchange(nullptr, std::memory_order_acq_rel);
        dcc_progress_end(ended);
        dcc_progress_release(ended);
        is_begun_.store(false, std::memory_order_release);
    }

private:
    const dcc_progress *begun(const job &told) noexcept
    {
        dcc_progress *share = share_.load(std::memory_order_acquire);
        if (share != nullptr || !told || is_begun_.exchange(true, std::memory_order_acq_rel))
            return share;
        dcc_ticket job_ticket = 0, share_ticket = 0;
        if (dcc_job_set_current(told.get(), &job_ticket) != DCC_OK)
            return nullptr;
        dcc_progress_desc desc = {};
        desc.struct_size = sizeof desc;
        if (above_ == nullptr || dcc_progress_set_current(above_, &share_ticket) == DCC_OK)
            dcc_progress_begin(&desc, &share);
        dcc_context_unwind(job_ticket);
        share_.store(share, std::memory_order_release);
        return share;
    }

    const dcc_progress *above_ = nullptr;
    std::atomic<dcc_progress *> share_{nullptr};
    std::atomic<bool> is_begun_{false};
};

} // namespace detail
} // namespace dcc

#endif /* DCC_CANCEL_LIBRARY_SHARE_HPP */
