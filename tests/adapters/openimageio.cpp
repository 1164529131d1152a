// OpenImageIO: a cancel of a job stops the writing and reading of an image that works for the job.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include <OpenImageIO/imagebuf.h>
#include <OpenImageIO/imageio.h>

#include "cancelled_work.hpp"
#include "dcc_cancel/adapters/openimageio.hpp"

namespace {

constexpr int width = 3072;
constexpr int tile = 64;
constexpr const char *whole_file = "whole.tif";
constexpr const char *stopped_file = "stopped.tif";

// The cancel comes at the second call, when one piece is surely done. Without the poll the library is never
// stopped.
struct observed {
    dcc::openimageio_progress progress;
    bool polled = true;
    canceller *user = nullptr;
    int calls = 0;

    static bool callback(void *data, float portion_done) noexcept
    {
        observed &self = *static_cast<observed *>(data);
        if (++self.calls == 2 && self.user != nullptr)
            self.user->work_has_begun();
        return self.polled && dcc::openimageio_progress::callback(self.progress.data(), portion_done);
    }
};

std::vector<std::uint16_t> make_pixels()
{
    std::minstd_rand numbers(7);
    std::vector<std::uint16_t> pixels(static_cast<std::size_t>(width) * width * 3);
    for (std::uint16_t &value : pixels)
        value = static_cast<std::uint16_t>(numbers() % 4096);
    return pixels;
}

OIIO::ImageSpec tiled()
{
    OIIO::ImageSpec spec(width, width, 3, OIIO::TypeDesc::UINT16);
    spec.tile_width = tile;
    spec.tile_height = tile;
    spec.attribute("compression", "zip");
    return spec;
}

dcc::job_state write(observed &seen, const char *file, const std::vector<std::uint16_t> &pixels)
{
    const std::unique_ptr<OIIO::ImageOutput> output = OIIO::ImageOutput::create(file);
    EXPECT(output && output->open(file, tiled()));
    const bool answer =
        output->write_image(OIIO::TypeDesc::UINT16, pixels.data(), OIIO::AutoStride, OIIO::AutoStride,
                            OIIO::AutoStride, observed::callback, &seen);
    // That is why the adapter has its own answer.
    EXPECT(answer);
    const dcc::job_state how = seen.progress.ended(answer);
    EXPECT(output->close());
    return how;
}

dcc::job_state read(observed &seen, std::vector<std::uint16_t> &pixels, OIIO::ImageInput &input)
{
    return seen.progress.ended(input.read_image(0, 0, 0, 3, OIIO::TypeDesc::UINT16, pixels.data(),
                                                OIIO::AutoStride, OIIO::AutoStride, OIIO::AutoStride,
                                                observed::callback, &seen));
}

// Cancels a job in the middle of a call. Returns how long the call went on after that.
template <class Call> double cancelled(bool polled, Call call)
{
    const dcc::job job = dcc::job::create({"Image"});
    canceller user(job);
    double to_return = 0;
    EXPECT(dcc::run(job, [&] {
        observed seen;
        seen.polled = polled;
        seen.user = &user;
        const dcc::job_state how = call(seen);
        to_return = user.milliseconds_since_cancel(test_clock::now());
        const bool was_stopped = how == dcc::job_state::cancelled;
        EXPECT(was_stopped);
        EXPECT(seen.calls < width / tile);
        return false;
    }) == dcc::job_state::cancelled);
    return to_return;
}

double writing(bool polled, const std::vector<std::uint16_t> &pixels)
{
    const double to_return =
        cancelled(polled, [&](observed &seen) { return write(seen, stopped_file, pixels); });
    const dcc::job job = dcc::job::create({"Write"});
    const auto begin = test_clock::now();
    EXPECT(dcc::run(job, [&] {
        observed seen;
        return write(seen, whole_file, pixels) == dcc::job_state::completed;
    }) == dcc::job_state::completed);
    const double whole_run = milliseconds(test_clock::now() - begin);
    EXPECT(job.progress().fraction == 1);
    print_figure("openimageio", to_return, whole_run);
    // The file was closed and exists, but is not complete.
    EXPECT(std::filesystem::file_size(stopped_file) < std::filesystem::file_size(whole_file) / 2);
    return to_return;
}

void reading(const std::vector<std::uint16_t> &pixels)
{
    const std::unique_ptr<OIIO::ImageInput> input = OIIO::ImageInput::open(whole_file);
    EXPECT(input);
    std::vector<std::uint16_t> read_back(pixels.size());
    cancelled(true, [&](observed &seen) { return read(seen, read_back, *input); });
    EXPECT(read_back != pixels && read_back.back() == 0 && read_back.front() == pixels.front());
    // The same input continues to read.
    observed seen;
    EXPECT(read(seen, read_back, *input) == dcc::job_state::completed);
    EXPECT(read_back == pixels);
}

void image_buffers(const std::vector<std::uint16_t> &pixels)
{
    OIIO::ImageBuf image(tiled(), const_cast<std::uint16_t *>(pixels.data()));
    cancelled(true, [&](observed &seen) {
        const std::unique_ptr<OIIO::ImageOutput> output = OIIO::ImageOutput::create(stopped_file);
        EXPECT(output && output->open(stopped_file, tiled()));
        return seen.progress.ended(image.write(output.get(), observed::callback, &seen));
    });
    std::filesystem::remove(stopped_file);
}

// An error of the library is not a cancel, and one progress object serves several calls.
void failures_and_tokens()
{
    const dcc::token token = dcc::token::create();
    dcc::openimageio_progress progress(token);
    EXPECT(progress.ended(true) == dcc::job_state::completed);
    EXPECT(progress.ended(false) == dcc::job_state::failed);
    token.cancel();
    // At the end nothing is left to stop.
    EXPECT(!progress.callback(progress.data(), 1.0F));
    EXPECT(progress.ended(true) == dcc::job_state::completed);
    EXPECT(progress.callback(progress.data(), 0.5F));
    EXPECT(progress.ended(true) == dcc::job_state::cancelled);
    EXPECT(progress.ended(true) == dcc::job_state::completed);
}

} // namespace

int main(int argc, char **argv)
{
    const std::vector<std::uint16_t> pixels = make_pixels();
    writing(is_polled(argc, argv), pixels);
    reading(pixels);
    image_buffers(pixels);
    failures_and_tokens();
    return 0;
}
