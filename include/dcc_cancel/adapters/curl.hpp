/* libcurl, 7.68 or newer: a cancel stops transfers. Not part of dcc_cancel.hpp.
 *
 *     dcc::curl_transfer transfer(easy);                // stops with the current token or job
 *     switch (transfer.perform()) { ... }               // completed, cancelled or failed
 *
 * In the place of curl_easy_perform, and stops at once also while nothing moves. It is made of two
 * parts, for those who perform otherwise:
 *
 * - curl_progress is the progress function of an easy handle. libcurl asks it on the thread that
 *   performs: when data moves, and when the handle is performed for any other reason. For
 *   curl_easy_perform that is about once a second while nothing moves, so that it stops that late.
 * - curl_wakeup is for a multi handle of your own: at a cancel, on the thread that cancels, it wakes
 *   curl_multi_poll up, and the curl_multi_perform after it asks. curl_multi_wait cannot be woken. The
 *   host's own question to a job (job_options::is_cancelled) is asked by polls alone: do not wait long.
 *
 * Progress: bytes, of the download if there is any, else of the upload.
 *
 * What cannot be interrupted: your own callbacks; a slow disk under file://; the resolving of a name.
 * libcurl without threads for it blocks in there; with them (7.88) it waits for its thread when the
 * transfer ends, unless CURLOPT_QUICK_EXIT leaves that behind: not in a plugin that is unloaded.
 * Connecting, handshakes and proxies are stopped.
 *
 * What is left: what the write callback was given stays given. The connection of the transfer is not
 * used again; the easy handle keeps its options and can be performed again. A curl_transfer keeps its
 * connections until it is destroyed, not those of other performs, unless they are shared (CURLSH). So
 * CURLOPT_CONNECT_ONLY, whose connection is used afterwards, is for curl_easy_perform.
 *
 * libcurl has one progress function for each easy handle and does not tell it: one that you had set is
 * replaced, and none is left behind. Neither reset nor duplicate the handle meanwhile, and destroy these
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
    /* Polls what is current here; the current job is told how far the transfer is. */
    explicit curl_progress(CURL *easy) : easy_(easy) { install(); }

    /* Polls this token in place of the current one; for hosts that tell of progress themselves. */
    curl_progress(CURL *easy, const token &polled) : poll_(polled), easy_(easy) { install(); }

    /* Polls and tells this job in place of the current one. */
    curl_progress(CURL *easy, const job &polled) : poll_(polled), easy_(easy) { install(); }

    curl_progress(const curl_progress &) = delete;
    curl_progress &operator=(const curl_progress &) = delete;

    ~curl_progress()
    {
        curl_easy_setopt(easy_, CURLOPT_NOPROGRESS, 1L);
        curl_easy_setopt(easy_, CURLOPT_XFERINFOFUNCTION, nullptr);
        curl_easy_setopt(easy_, CURLOPT_XFERINFODATA, nullptr);
    }

    /* How a transfer ended, given libcurl's result of it. The next transfer starts anew. */
    job_state ended(CURLcode result) noexcept
    {
        const bool was_stopped = result == CURLE_ABORTED_BY_CALLBACK && poll_.was_stopped();
        poll_.begin();
        if (was_stopped)
            return job_state::cancelled;
        return result == CURLE_OK ? job_state::completed : job_state::failed;
    }

    /* For between transfers. */
    bool should_stop() noexcept { return poll_.should_stop(); }

    /* Negative if what is current is polled, and not what was given. Constructors throw that where
     * exceptions are enabled. */
    dcc_status status() const noexcept { return poll_.status(); }

    /* The CURLOPT_XFERINFOFUNCTION, with the curl_progress as its data: for those who set one of their
     * own, after this was made, and call this in it. Not 0: stop. */
    static int callback(void *self, curl_off_t to_download, curl_off_t downloaded, curl_off_t to_upload,
                        curl_off_t uploaded) noexcept
    {
        library_call &poll = static_cast<curl_progress *>(self)->poll_;
        /* One direction, the longer one: the answer to an upload is no new bar. */
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

/* Wakes curl_multi_poll of a multi handle up at a cancel, as long as this lives. */
class curl_wakeup {
public:
    /* When what is current here is cancelled. */
    explicit curl_wakeup(CURLM *multi) : call_(wake{multi}) {}

    /* When this token, in place of the current one, is cancelled. */
    curl_wakeup(CURLM *multi, const token &watched) : call_(watched, wake{multi}) {}

    /* When this job, in place of the current one, is cancelled. */
    curl_wakeup(CURLM *multi, const job &watched) : call_(watched, wake{multi}) {}

    curl_wakeup(const curl_wakeup &) = delete;
    curl_wakeup &operator=(const curl_wakeup &) = delete;

    /* Negative if nothing will be woken up. Constructors throw that where exceptions are enabled. */
    dcc_status status() const noexcept { return call_.status(); }

private:
    struct wake {
        CURLM *multi;
        void operator()() const noexcept { curl_multi_wakeup(multi); }
    };

    library_interrupt<wake> call_;
};

/* Performs the transfers of an easy handle, one after the other. */
class curl_transfer {
public:
    /* Polls what is current here; the current job is told how far the transfer is. */
    explicit curl_transfer(CURL *easy) : easy_(easy), progress_(easy), wakeup_(multi_.get()) {}

    /* Polls this token in place of the current one; for hosts that tell of progress themselves. */
    curl_transfer(CURL *easy, const token &polled)
        : easy_(easy), progress_(easy, polled), wakeup_(multi_.get(), polled)
    {
    }

    /* Polls and tells this job in place of the current one. */
    curl_transfer(CURL *easy, const job &polled)
        : easy_(easy), progress_(easy, polled), wakeup_(multi_.get(), polled)
    {
    }

    /* curl_easy_perform, and how it ended. */
    job_state perform() noexcept
    {
        /* Not a name is resolved for what is cancelled already. */
        result_ = progress_.should_stop() ? CURLE_ABORTED_BY_CALLBACK : transfer();
        return progress_.ended(result_);
    }

    /* What curl_easy_perform would have answered: CURLE_ABORTED_BY_CALLBACK if it was cancelled. */
    CURLcode result() const noexcept { return result_; }

    /* Negative if it stops late or not at all. Constructors throw that where exceptions are enabled. */
    dcc_status status() const noexcept
    {
        return progress_.status() < 0 ? progress_.status() : wakeup_.status();
    }

private:
    /* A cancel wakes the wait up; this is how often the host's own question is asked. */
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

    /* Of what went wrong with the multi handle, as curl_easy_perform says it. */
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
    /* The last member: nobody wakes up what is gone. */
    curl_wakeup wakeup_;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_CURL_HPP */
