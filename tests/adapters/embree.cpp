// Embree: a cancel of a job stops the build of a scene that works for the job.

#include <atomic>
#include <cmath>
#include <cstring>

#include "cancelled_work.hpp"
#include "dcc_cancel/adapters/embree.hpp"

namespace {

constexpr unsigned side = 900;

// A field of hills with two triangles for each cell, at most 1 high.
RTCScene make_scene(RTCDevice device)
{
    const RTCGeometry mesh = rtcNewGeometry(device, RTC_GEOMETRY_TYPE_TRIANGLE);
    auto *points = static_cast<float *>(rtcSetNewGeometryBuffer(
        mesh, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, 3 * sizeof(float), side * side));
    auto *corners = static_cast<unsigned *>(
        rtcSetNewGeometryBuffer(mesh, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3,
                                3 * sizeof(unsigned), 2 * (side - 1) * (side - 1)));
    EXPECT(points != nullptr && corners != nullptr);
    for (unsigned y = 0; y < side; ++y) {
        for (unsigned x = 0; x < side; ++x) {
            const float point[] = {static_cast<float>(x), static_cast<float>(y),
                                   std::sin(0.01F * static_cast<float>(x * y % 977))};
            std::memcpy(points, point, sizeof point);
            points += 3;
            if (x + 1 == side || y + 1 == side)
                continue;
            const unsigned a = y * side + x;
            const unsigned cell[] = {a, a + 1, a + side, a + 1, a + side + 1, a + side};
            std::memcpy(corners, cell, sizeof cell);
            corners += 6;
        }
    }
    rtcCommitGeometry(mesh);
    const RTCScene scene = rtcNewScene(device);
    // The slower build, which makes the better hierarchy.
    rtcSetSceneBuildQuality(scene, RTC_BUILD_QUALITY_HIGH);
    rtcAttachGeometry(scene, mesh);
    rtcReleaseGeometry(mesh);
    return scene;
}

// The number of rays from above that hit.
int hits(RTCScene scene)
{
    int count = 0;
    for (int number = 0; number < 100; ++number) {
        RTCIntersectContext context;
        rtcInitIntersectContext(&context);
        RTCRayHit ray = {};
        ray.ray.org_x = 10.3F + 8.0F * static_cast<float>(number);
        ray.ray.org_y = 850.6F - 8.0F * static_cast<float>(number);
        ray.ray.org_z = 100;
        ray.ray.dir_z = -1;
        ray.ray.tfar = 1000;
        ray.ray.mask = ~0u;
        ray.hit.geomID = RTC_INVALID_GEOMETRY_ID;
        rtcIntersect1(scene, &context, &ray);
        if (ray.hit.geomID == 0 && ray.ray.tfar > 98.9F && ray.ray.tfar < 101.1F)
            ++count;
    }
    return count;
}

// Tells the cancelling thread that the build has begun. Without the poll Embree is never stopped.
struct observed {
    dcc::embree_monitor monitor;
    bool polled;
    canceller *user;
    std::atomic<int> calls{0};

    observed(RTCScene scene, bool with_poll, canceller *cancels)
        : monitor(scene), polled(with_poll), user(cancels)
    {
        rtcSetSceneProgressMonitorFunction(scene, callback, this);
    }

    static bool callback(void *data, double portion) noexcept
    {
        observed &self = *static_cast<observed *>(data);
        ++self.calls;
        if (self.user != nullptr)
            self.user->work_has_begun();
        return !self.polled || dcc::embree_monitor::callback(&self.monitor, portion);
    }
};

void builds(RTCDevice device, bool polled)
{
    const RTCScene scene = make_scene(device);
    double to_return = 0;
    int calls = 0;
    {
        const dcc::job job = dcc::job::create({"Build"});
        canceller user(job);
        EXPECT(dcc::run(job, [&] {
            observed seen(scene, polled, &user);
            const dcc::job_state how = seen.monitor.commit();
            to_return = user.milliseconds_since_cancel(test_clock::now());
            const bool was_stopped = how == dcc::job_state::cancelled;
            EXPECT(was_stopped);
            EXPECT(seen.monitor.error() == RTC_ERROR_CANCELLED);
            calls = seen.calls;
            return false;
        }) == dcc::job_state::cancelled);
        EXPECT(rtcGetDeviceError(device) == RTC_ERROR_NONE);
    }
    // The same scene is built again, with the adapter as users have it.
    const dcc::job job = dcc::job::create({"Build again"});
    const auto begin = test_clock::now();
    EXPECT(dcc::run(job, [&] {
        dcc::embree_monitor monitor(scene);
        EXPECT(monitor.commit() == dcc::job_state::completed);
        EXPECT(monitor.error() == RTC_ERROR_NONE);
        return true;
    }) == dcc::job_state::completed);
    print_figure("embree", to_return, milliseconds(test_clock::now() - begin));
    EXPECT(job.progress().fraction > 0.5);
    EXPECT(hits(scene) == 100);
    rtcReleaseScene(scene);

    // Embree did not ask up to the end.
    const RTCScene other = make_scene(device);
    {
        observed seen(other, true, nullptr);
        EXPECT(seen.monitor.commit() == dcc::job_state::completed);
        EXPECT(calls > 0 && seen.calls > calls);
    }
    // The scene no longer has the adapter's callback, whatever was cancelled.
    rtcSetSceneFlags(other, RTC_SCENE_FLAG_ROBUST);
    rtcCommitScene(other);
    EXPECT(rtcGetDeviceError(device) == RTC_ERROR_NONE);
    EXPECT(hits(other) == 100);
    rtcReleaseScene(other);
}

// A given token is polled instead of the current one; if it is cancelled before, the build does not begin.
void a_given_token(RTCDevice device)
{
    const dcc::token token = dcc::token::create();
    token.cancel();
    const RTCScene scene = make_scene(device);
    {
        dcc::embree_monitor monitor(scene, token);
        EXPECT(monitor.commit() == dcc::job_state::cancelled);
    }
    // The monitor has left the scene, with the token that stopped it.
    rtcCommitScene(scene);
    EXPECT(rtcGetDeviceError(device) == RTC_ERROR_NONE);
    EXPECT(hits(scene) == 100);
    rtcReleaseScene(scene);
}

} // namespace

int main(int argc, char **argv)
{
    const RTCDevice device = rtcNewDevice(nullptr);
    EXPECT(device != nullptr);
    builds(device, is_polled(argc, argv));
    a_given_token(device);
    rtcReleaseDevice(device);
    return 0;
}
