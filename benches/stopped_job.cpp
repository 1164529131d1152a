// The time from a cancel of a request's token to the end of the job that was posted under it. The job smooths
// a picture and polls once a row. The peer is the same loop in a thread, with an atomic flag.
#include "waking.hpp"

#include <dcc_cancel.h>

namespace {

// A picture that is smoothed row by row, over and over, until it is told to stop.
class Smoothing {
public:
    template <typename Asked>
    void run(std::atomic<bool> &is_ready, Asked is_to_stop)
    {
        for (std::size_t row = 1; !is_to_stop(); row = row + 2 < rows ? row + 1 : 1) {
            float *const own = &values_[row * columns];
            for (std::size_t at = 1; at + 1 < columns; ++at)
                own[at] = 0.25F * (own[at - columns] + own[at + columns] + own[at - 1] + own[at + 1]);
            is_ready.store(true, std::memory_order_relaxed);
        }
    }

private:
    static constexpr std::size_t rows = 64;
    static constexpr std::size_t columns = 1024;
    std::vector<float> values_ = std::vector<float>(rows * columns, 1.0F);
};

class PostedJob {
public:
    PostedJob()
    {
        require(dcc_cancel_token_create(&token_) == DCC_OK);
        dcc_dispatcher_desc desc{};
        desc.struct_size = sizeof desc;
        desc.flags = DCC_DISPATCHER_BIND_LATER;
        require(dcc_dispatcher_create(&desc, &dispatcher_) == DCC_OK);
        dcc_post_desc post{};
        post.struct_size = sizeof post;
        post.parent = token_;
        post.function = smooth;
        post.user_data = this;
        require(dcc_dispatcher_post(dispatcher_, &post, nullptr, nullptr) == DCC_OK);
    }
    ~PostedJob()
    {
        require(dcc_dispatcher_release(dispatcher_) == DCC_OK);
        require(dcc_cancel_token_release(token_) == DCC_OK);
    }
    PostedJob(const PostedJob &) = delete;
    PostedJob &operator=(const PostedJob &) = delete;

    void pump(std::atomic<bool> &is_ready)
    {
        is_ready_ = &is_ready;
        require(dcc_dispatcher_pump(dispatcher_, DCC_NO_LIMIT, 1, nullptr) == DCC_OK);
    }

    void cancel() { require(dcc_cancel_token_cancel(token_, nullptr, 0) == DCC_OK); }

private:
    static std::int32_t smooth(const dcc_job *, void *of)
    {
        PostedJob &self = *static_cast<PostedJob *>(of);
        const dcc_poll_pair poll = dcc_poll_current();
        dcc_status status = DCC_OK;
        self.smoothing_.run(*self.is_ready_, [&] { return (status = dcc_poll(poll)) != DCC_OK; });
        return status;
    }

    Smoothing smoothing_;
    dcc_cancel_token *token_ = nullptr;
    dcc_dispatcher *dispatcher_ = nullptr;
    std::atomic<bool> *is_ready_ = nullptr;
};

struct PlainLoop {
    Smoothing smoothing;
    std::atomic<bool> is_to_stop{false};
};

} // namespace

void print_stopped_job()
{
    const Waking job{[] { return new PostedJob; },
                     [](PostedJob *of, std::atomic<bool> &is_ready) { of->pump(is_ready); },
                     [](PostedJob *of) { of->cancel(); }, [](PostedJob *of) { delete of; }};
    const Waking loop{[] { return new PlainLoop; },
                      [](PlainLoop *of, std::atomic<bool> &is_ready) {
                          of->smoothing.run(is_ready, [of] {
                              return of->is_to_stop.load(std::memory_order_acquire);
                          });
                      },
                      [](PlainLoop *of) { of->is_to_stop.store(true, std::memory_order_release); },
                      [](PlainLoop *of) { delete of; }};
    print_waking("cancel to the end of a posted job", "the same loop with a flag", Meanwhile::works, job,
                 loop);
}
