/* OpenImageIO: a cancel stops reading and writing an image. Not part of dcc_cancel.hpp.
 *
 *     dcc::openimageio_progress progress;               // stops with the current token or job
 *     bool answer = output->write_image(type, pixels, xs, ys, zs, progress.callback, progress.data());
 *     switch (progress.ended(answer)) { ... }           // completed, cancelled or failed
 *
 * For all functions that take a ProgressCallback: ImageInput::read_image, ImageOutput::write_image,
 * ImageBuf::read and write. If the callback stops them they still return true: use `ended`, which knows.
 *
 * When it polls: on the calling thread, between the pieces that the format reads or writes at once. A piece
 * is a row of tiles, or about 64 MB of scanlines, so most images without tiles are one piece.
 *
 * What cannot be interrupted: such a piece, with its compression; formats that hold the whole image and write
 * it in close(); ImageBufAlgo, which has no callback.
 *
 * Progress: that of one image.
 *
 * What is left: pixels after the last piece are unchanged (reading) or missing in the file (writing). The
 * ImageOutput can be closed; remove the file, because readers may take it for complete. The ImageInput can be
 * read again. */

#ifndef DCC_CANCEL_ADAPTERS_OPENIMAGEIO_HPP
#define DCC_CANCEL_ADAPTERS_OPENIMAGEIO_HPP

#include <type_traits>

#include <OpenImageIO/imageio.h>

#include "../library_call.hpp"

namespace dcc {

/* The ProgressCallback, for one image after the other. */
class openimageio_progress {
public:
    /* Polls what is current here, and shows progress in the current job. */
    openimageio_progress() = default;

    /* Polls this token in place of the current one, and shows no progress: for hosts that show it themselves.
     */
    explicit openimageio_progress(const token &polled) : poll_(polled) {}

    /* Polls this job in place of the current one, and shows progress in it. */
    explicit openimageio_progress(const job &polled) : poll_(polled) {}

    /* The callback, to be passed with data(). */
    static bool callback(void *data, float portion_done) noexcept
    {
        library_call &poll = static_cast<openimageio_progress *>(data)->poll_;
        poll.set_progress(static_cast<double>(portion_done));
        /* At the end the library only reports: nothing can be stopped any more. */
        return portion_done < 1 && poll.should_stop();
    }

    void *data() noexcept { return this; }

    /* How the call ended, from what it returned. Then another call may begin. */
    job_state ended(bool answer) noexcept
    {
        const job_state how = poll_.ended(answer);
        poll_.begin();
        return how;
    }

private:
    library_call poll_;
};

static_assert(std::is_convertible_v<decltype(&openimageio_progress::callback), OIIO::ProgressCallback>,
              "a ProgressCallback");

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_OPENIMAGEIO_HPP */
