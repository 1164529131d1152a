/* libcurl, 7.68 or newer: a cancel stops transfers. Not part of dcc_cancel.hpp.
 *
 *     dcc::curl_transfer transfer(easy);                // stops with the current token or job
 *     switch (transfer.perform()) { ... }               // completed, cancelled or failed
 *
 * Use it in place of curl_easy_perform. It stops at once, even while no data moves. It has two parts, for
 * code that performs transfers in another way:
 *
 * - curl_progress is the progress function of an easy handle. libcurl calls it on the thread that performs:
 *   when data moves, and whenever the handle is performed. For curl_easy_perform that is about once a second
 *   while no data moves, so it stops that late.
 * - curl_wakeup is for a multi handle of your own: a cancel wakes curl_multi_poll, on the thread that
 *   cancels, and the curl_multi_perform after it calls the progress function. curl_multi_wait cannot be
 *   woken. A host's own check (job_options::is_cancelled) is only asked by polls, so do not wait long.
 *
 * Progress: bytes, of the download if there is one, else of the upload.
 *
 * What cannot be interrupted: your own callbacks; a slow disk under file://; the resolving of a name. Without
 * threads libcurl blocks in resolving. With threads (7.88) it waits for the resolving thread when the
 * transfer ends, unless CURLOPT_QUICK_EXIT leaves that thread behind: do not use that in a plugin that is
 * unloaded. Connecting, handshakes and proxies are stopped.
 *
 * What is left: the write callback keeps the data that it got. The connection of the transfer is not used
 * again; the easy handle keeps its options and can be performed again. A curl_transfer keeps its connections
 * until it is destroyed, and does not use those of other performs unless they are shared (CURLSH). So use
 * curl_easy_perform for CURLOPT_CONNECT_ONLY, whose connection is used afterwards.
 *
 * libcurl has one progress function for each easy handle and cannot tell which: one that you had set is
 * replaced, and none is set afterwards. Neither reset nor duplicate the handle meanwhile, and destroy these
 * objects before their handles, on the thread that performs. */

#ifndef DCC_CANCEL_ADAPTERS_CURL_HPP
#define DCC_CANCEL_ADAPTERS_CURL_HPP

#include <cstdint>
#include <memory>

#include <curl/curl.h>

#include "../library_call.hpp"
#include "../library_interrupt.hpp"

#if LIBCURL_VERSION_NUM < 0x074400
#error "dcc_cancel/adapters/curl.hpp needs libcurl 7.68 or newer, which has curl_multi_wakeup"
#endif

namespace dcc {

/* The progress function of an easy handle, as long as this lives. */
class curl_progress {
public:
    /* Polls what is current here, and shows the transfer's progress in the current job. */
    explicit curl_progress(CURL *easy) : easy_(easy) { install(); }

    /* Polls this token in place of the current one, and shows no progress: for hosts that show it themselves.
     */
    curl_progress(CURL *easy, const token &polled) : poll_(polled), easy_(easy) { install(); }

    /* Polls this job in place of the current one, and shows progress in it. */
    curl_progress(CURL *easy, const job &polled) : poll_(polled), easy_(easy) { install(); }

    curl_progress(const curl_progress &) = delete;
    curl_progress &operator=(const curl_progress &) = delete;

    ~curl_progress()
    {
        curl_easy_setopt(easy_, CURLOPT_NOPROGRESS, 1L);
        curl_easy_setopt(easy_, CURLOPT_XFERINFOFUNCTION, nullptr);
        curl_easy_setopt(easy_, CURLOPT_XFERINFODATA, nullptr);
    }

    /* How a transfer ended, from libcurl's result. Then another transfer may begin. */
    job_state ended(CURLcode result) noexcept
    {
        const bool was_stopped = result == CURLE_ABORTED_BY_CALLBACK && poll_.was_stopped();
        poll_.begin();
        if (was_stopped)
            return job_state::cancelled;
        return result == CURLE_OK ? job_state::completed : job_state::failed;
    }

    /* For use between transfers. */
    bool should_stop() noexcept { return poll_.should_stop(); }

    /* Negative: the given token or job could not be polled, and what is current is polled instead. If
     * exceptions are enabled, the constructors throw this. */
    dcc_status status() const noexcept { return poll_.status(); }

    /* The CURLOPT_XFERINFOFUNCTION, whose data is the curl_progress. If you set a function of your own after
     * this was made, call this in it. Not 0: stop. */
    static int callback(void *self, curl_off_t to_download, curl_off_t downloaded, curl_off_t to_upload,
                        curl_off_t uploaded) noexcept
    {
        library_call &poll = static_cast<curl_progress *>(self)->poll_;
        /* Only the larger direction: the answer to an upload does not begin a new bar. */
        const bool is_upload = to_upload > to_download || (to_download <= 0 && downloaded <= 0);
        if (is_upload)
            poll.set_progress(bytes(uploaded), bytes(to_upload));
        else
            poll.set_progress(bytes(downloaded), bytes(to_download));
        return poll.should_stop() ? 1 : 0;
    }

private:
    static std::uint64_t bytes(curl_off_t count) noexcept
    {
        return count > 0 ? static_cast<std::uint64_t>(count) : 0u;
    }

    void install() noexcept
    {
        curl_easy_setopt(easy_, CURLOPT_XFERINFOFUNCTION, &curl_progress::callback);
        curl_easy_setopt(easy_, CURLOPT_XFERINFODATA, this);
        curl_easy_setopt(easy_, CURLOPT_NOPROGRESS, 0L);
    }

    library_call poll_;
    CURL *easy_;
};

/* Wakes curl_multi_poll of a multi handle at a cancel, as long as this lives. */
class curl_wakeup {
public:
    /* At a cancel of what is current here. */
    explicit curl_wakeup(CURLM *multi) : call_(wake{multi}) {}

    /* At a cancel of this token, in place of the current one. */
    curl_wakeup(CURLM *multi, const token &watched) : call_(watched, wake{multi}) {}

    /* At a cancel of this job, in place of the current one. */
    curl_wakeup(CURLM *multi, const job &watched) : call_(watched, wake{multi}) {}

    curl_wakeup(const curl_wakeup &) = delete;
    curl_wakeup &operator=(const curl_wakeup &) = delete;

    /* Negative: nothing will be woken. If exceptions are enabled, the constructors throw this. */
    dcc_status status() const noexcept { return call_.status(); }

private:
    struct wake {
        CURLM *multi;
        void operator()() const noexcept { curl_multi_wakeup(multi); }
    };

    library_interrupt<wake> call_;
};

/* Performs transfers of an easy handle, one after the other. */
class curl_transfer {
public:
    /* Polls what is current here, and shows the transfer's progress in the current job. */
    explicit curl_transfer(CURL *easy) : easy_(easy), progress_(easy), wakeup_(multi_.get()) {}

    /* Polls this token in place of the current one, and shows no progress: for hosts that show it themselves.
     */
    curl_transfer(CURL *easy, const token &polled)
        : easy_(easy), progress_(easy, polled), wakeup_(multi_.get(), polled)
    {
    }

    /* Polls this job in place of the current one, and shows progress in it. */
    curl_transfer(CURL *easy, const job &polled)
        : easy_(easy), progress_(easy, polled), wakeup_(multi_.get(), polled)
    {
    }

    /* As curl_easy_perform. Returns how the transfer ended. */
    job_state perform() noexcept
    {
        /* If it is cancelled already, not even a name is resolved. */
        result_ = progress_.should_stop() ? CURLE_ABORTED_BY_CALLBACK : transfer();
        return progress_.ended(result_);
    }

    /* The result that curl_easy_perform would have returned: CURLE_ABORTED_BY_CALLBACK if it was cancelled.
     */
    CURLcode result() const noexcept { return result_; }

    /* Negative: a transfer stops late or not at all. If exceptions are enabled, the constructors throw this.
     */
    dcc_status status() const noexcept
    {
        return progress_.status() < 0 ? progress_.status() : wakeup_.status();
    }

private:
    /* How often the host's own check is asked; a cancel wakes the wait anyway. */
    static constexpr int longest_wait_ms = 50;

    struct cleanup {
        void operator()(CURLM *multi) const noexcept { curl_multi_cleanup(multi); }
    };

    CURLcode transfer() noexcept
    {
        if (!multi_)
            return CURLE_OUT_OF_MEMORY;
        const CURLMcode added = curl_multi_add_handle(multi_.get(), easy_);
        if (added != CURLM_OK)
            return result_of(added);
        const CURLMcode performed = perform_all();
        int left = 0;
        const CURLMsg *message = curl_multi_info_read(multi_.get(), &left);
        const CURLcode result = message != nullptr ? message->data.result : result_of(performed);
        curl_multi_remove_handle(multi_.get(), easy_);
        return result;
    }

    CURLMcode perform_all() noexcept
    {
        for (;;) {
            int running = 0;
            CURLMcode status = curl_multi_perform(multi_.get(), &running);
            if (status == CURLM_OK && running > 0)
                status = curl_multi_poll(multi_.get(), nullptr, 0, longest_wait_ms, nullptr);
            if (status != CURLM_OK || running == 0)
                return status;
        }
    }

    /* The result that curl_easy_perform gives for an error of the multi handle. */
    static CURLcode result_of(CURLMcode status) noexcept
    {
        switch (status) {
        case CURLM_OUT_OF_MEMORY: return CURLE_OUT_OF_MEMORY;
        case CURLM_BAD_EASY_HANDLE: return CURLE_BAD_FUNCTION_ARGUMENT;
        default: return CURLE_FAILED_INIT;
        }
    }

    CURL *easy_;
    std::unique_ptr<CURLM, cleanup> multi_{curl_multi_init()};
    CURLcode result_ = CURLE_OK;
    curl_progress progress_;
    /* The last member: destroyed first, so that it never wakes a destroyed multi handle. */
    curl_wakeup wakeup_;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_CURL_HPP */
