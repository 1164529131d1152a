// The code of docs/write_an_adapter.md, with a library of the kind that the page is about.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

enum class ending { by_itself, by_progress, by_interrupt, by_memory };

} // namespace

struct image {
    ending how = ending::by_itself;
    std::atomic<bool> is_interrupted{false};
};

// The declarations of the page, its adapter and its use.
#include "adapter_page.inc"

int denoise(image *denoised, denoise_progress progress, void *user)
{
    if (denoised->how == ending::by_memory)
        return DENOISE_NO_MEMORY;
    if (denoised->how == ending::by_interrupt) {
        while (!denoised->is_interrupted)
            std::this_thread::yield();
        return DENOISE_ABORTED;
    }
    for (int row = 0; row < 10; ++row)
        if (progress(user, row / 10.0) != 0)
            return DENOISE_ABORTED;
    return DENOISE_OK;
}

void denoise_interrupt(image *denoised)
{
    denoised->is_interrupted = true;
}

const char *denoise_text(int result)
{
    return result == DENOISE_NO_MEMORY ? "no memory for the tiles" : "";
}

namespace {

dcc::job run(ending how, bool is_cancelled)
{
    image frame;
    frame.how = how;
    const dcc::job job = dcc::job::create({"denoise"});
    dcc::run(job, [&] {
        std::thread canceller;
        if (is_cancelled)
            canceller = std::thread([&job] { job.cancel(); });
        if (how == ending::by_progress)
            canceller.join();
        struct joined {
            std::thread &thread;
            ~joined()
            {
                if (thread.joinable())
                    thread.join();
            }
        } end{canceller};
        return denoise_frame(frame);
    });
    return job;
}

} // namespace

int main()
{
    const dcc::job done = run(ending::by_itself, false);
    EXPECT(done.state() == dcc::job_state::completed && done.progress().fraction == 1);
    const dcc::job asked = run(ending::by_progress, true);
    EXPECT(asked.state() == dcc::job_state::cancelled && asked.failure().empty());
    const dcc::job interrupted = run(ending::by_interrupt, true);
    EXPECT(interrupted.state() == dcc::job_state::cancelled);
    const dcc::job failed = run(ending::by_memory, false);
    EXPECT(failed.state() == dcc::job_state::failed && failed.failure() == "no memory for the tiles");
    return 0;
}
