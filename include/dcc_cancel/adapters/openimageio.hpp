/* OpenImageIO: a cancel stops reading and writing an image. Not part of dcc_cancel.hpp.
 *
 *     dcc::openimageio_progress progress;               // stops with the current token or job
 *     bool answer = output->write_image(type, pixels, xs, ys, zs, progress.callback, progress.data());
 *     switch (progress.ended(answer)) { ... }           // completed, cancelled or failed
 *
 * For all that takes a ProgressCallback: ImageInput::read_image, ImageOutput::write_image,
 * ImageBuf::read and write. These answer true when the callback stops them, as if all was well: ask
 * `ended`, which knows better.
 *
 * When it is asked: on the calling thread, between the pieces that the format reads or writes at once:
 * a row of tiles; of scanlines some 64 MB, so that most images without tiles are one piece.
 *
 * What cannot be interrupted: such a piece, with its compression; formats that keep all of an image
 * and write it in close(); ImageBufAlgo, which has no callback.
 *
 * Progress is that of one image.
 *
 * What is left: pixels after the last piece are as they were (read) or not in the file (write). The
 * ImageOutput can be closed; the file is to be removed, since readers may take it for whole. The
 * ImageInput can be read again. */

#ifndef DCC_CANCEL_ADAPTERS_OPENIMAGEIO_HPP
#define DCC_CANCEL_ADAPTERS_OPENIMAGEIO_HPP

#include <type_traits>

#include <OpenImageIO/imageio.h>

#include "../library_call.hpp"

namespace dcc {

/* The ProgressCallback for one image after the other. */
class openimageio_progress {
public:
    /* Polls what is current here; the current job is told how far it is. */
    openimageio_progress() = default;

    /* Polls this token in place of the current one; for hosts that tell of progress themselves. */
    explicit openimageio_progress(const token &polled) : poll_(polled) {}

    /* Polls and tells this job in place of the current one. */
    explicit openimageio_progress(const job &polled) : poll_(polled) {}

    /* Handed in as the callback, with data(). */
    static bool callback(void *data, float portion_done) noexcept
    {
        library_call &poll = static_cast<openimageio_progress *>(data)->poll_;
        poll.set_progress(static_cast<double>(portion_done));
        /* At the end the library only tells: nothing can be stopped any more. */
        return portion_done < 1 && poll.should_stop();
    }

    void *data() noexcept { return this; }

    /* How the call ended, given what it answered. The next call starts anew. */
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
