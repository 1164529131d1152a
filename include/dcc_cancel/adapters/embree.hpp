/* Embree 3: a cancel stops the build of a scene. Not part of dcc_cancel.hpp.
 *
 *     dcc::embree_monitor monitor(scene);               // stops with the current token or job
 *     switch (monitor.commit()) { ... }                 // completed, cancelled or failed
 *
 * Use it in place of rtcCommitScene. The monitor is the scene's progress monitor as long as it lives; Embree
 * has one for each scene.
 *
 * When it polls: on the threads that build, at once, every few thousand primitives.
 *
 * What cannot be interrupted: Embree's work on a geometry before and after the build of its hierarchy;
 * rtcIntersect and the like, which are short.
 *
 * What is left: Embree drops what it built, and the scene counts as not committed: it must not be traced, may
 * be changed, and can be committed again. Geometries and their buffers are unchanged.
 *
 * Embree's error of the commit is read here and kept in error(). An older error that this thread has not read
 * is dropped: read it before. */

#ifndef DCC_CANCEL_ADAPTERS_EMBREE_HPP
#define DCC_CANCEL_ADAPTERS_EMBREE_HPP

#include <embree3/rtcore.h>

#include "../library_call.hpp"

namespace dcc {

class embree_monitor {
public:
    /* Polls what is current here, and shows the build's progress in the current job. */
    explicit embree_monitor(RTCScene scene) : scene_(scene) { install(); }

    /* Polls this token in place of the current one, and shows no progress: for hosts that show it themselves.
     */
    embree_monitor(RTCScene scene, const token &polled) : poll_(polled), scene_(scene)
    {
        install();
    }

    /* Polls this job in place of the current one, and shows progress in it. */
    embree_monitor(RTCScene scene, const job &polled) : poll_(polled), scene_(scene) { install(); }

    embree_monitor(const embree_monitor &) = delete;
    embree_monitor &operator=(const embree_monitor &) = delete;

    ~embree_monitor()
    {
        rtcSetSceneProgressMonitorFunction(scene_, nullptr, nullptr);
        rtcReleaseScene(scene_);
    }

    /* As rtcCommitScene. Returns how the build ended. */
    job_state commit() noexcept
    {
        const RTCDevice device = rtcGetSceneDevice(scene_);
        rtcGetDeviceError(device);
        rtcCommitScene(scene_);
        if (!poll_.was_stopped())
            poll_.end_progress();
        error_ = rtcGetDeviceError(device);
        rtcReleaseDevice(device);
        if (error_ == RTC_ERROR_CANCELLED)
            return job_state::cancelled;
        return error_ == RTC_ERROR_NONE ? job_state::completed : job_state::failed;
    }

    /* Error of the last commit: RTC_ERROR_CANCELLED if it was cancelled. */
    RTCError error() const noexcept { return error_; }

    /* Negative: the given token or job could not be polled, and what is current is polled instead. If
     * exceptions are enabled, the constructors throw this. */
    dcc_status status() const noexcept { return poll_.status(); }

    /* The monitor function, whose pointer is the embree_monitor. If you set a function of your own after this
     * was made, call this in it. False: stop. */
    static bool callback(void *self, double portion) noexcept
    {
        library_call &poll = static_cast<embree_monitor *>(self)->poll_;
        poll.set_progress(portion);
        return !poll.should_stop();
    }

private:
    void install() noexcept
    {
        rtcRetainScene(scene_);
        rtcSetSceneProgressMonitorFunction(scene_, callback, this);
    }

    library_call poll_;
    RTCScene scene_;
    RTCError error_ = RTC_ERROR_NONE;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_EMBREE_HPP */
