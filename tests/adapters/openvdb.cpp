// OpenVDB: a cancel of a job stops meshToVolume and LevelSetFilter that work for the job.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <openvdb/openvdb.h>
#include <openvdb/tools/LevelSetFilter.h>
#include <openvdb/tools/MeshToVolume.h>

#include "cancelled_work.hpp"
#include "dcc_cancel/adapters/openvdb.hpp"

namespace {

// In voxels of size 1, so that the mesh is in index space as it is.
constexpr float radius = 60.0F;
constexpr int filter_steps = 6;

// Tells when the tool has begun. Without the poll it never interrupts.
class observed : public dcc::openvdb_interrupter {
public:
    observed(bool polled, canceller *user) : polled_(polled), user_(user) {}

    bool wasInterrupted(int percent = -1) override
    {
        if (user_ != nullptr)
            user_->work_has_begun();
        return polled_ && dcc::openvdb_interrupter::wasInterrupted(percent);
    }

private:
    bool polled_;
    canceller *user_;
};

struct sphere_mesh {
    std::vector<openvdb::Vec3s> points;
    std::vector<openvdb::Vec3I> triangles;

    explicit sphere_mesh(unsigned around)
    {
        const double pi = std::acos(-1.0);
        for (unsigned row = 0; row <= around; ++row) {
            for (unsigned column = 0; column < around; ++column) {
                const double down = pi * row / around, turn = 2 * pi * column / around;
                points.emplace_back(radius * std::sin(down) * std::cos(turn),
                                    radius * std::sin(down) * std::sin(turn),
                                    radius * std::cos(down));
            }
        }
        for (unsigned row = 0; row < around; ++row) {
            for (unsigned column = 0; column < around; ++column) {
                const unsigned next = (column + 1) % around;
                const unsigned a = row * around + column, b = row * around + next;
                triangles.emplace_back(a, a + around, b);
                triangles.emplace_back(b, a + around, b + around);
            }
        }
    }
};

openvdb::FloatGrid::Ptr to_volume(dcc::openvdb_interrupter &interrupter, const sphere_mesh &mesh)
{
    const openvdb::tools::QuadAndTriangleDataAdapter<openvdb::Vec3s, openvdb::Vec3I> adapter(
        mesh.points, mesh.triangles);
    const auto transform = openvdb::math::Transform::createLinearTransform(1.0);
    auto grid = openvdb::tools::meshToVolume<openvdb::FloatGrid>(interrupter.interrupter(), adapter,
                                                                 *transform, 3.0F, 3.0F);
    grid->setGridClass(openvdb::GRID_LEVEL_SET);
    return grid;
}

bool is_the_sphere(const openvdb::FloatGrid &grid)
{
    const auto values = grid.getConstAccessor();
    const auto at = [&](double x) {
        const openvdb::Coord where =
            openvdb::Coord::round(grid.transform().worldToIndex(openvdb::Vec3d(x, 0, 0)));
        return static_cast<double>(values.getValue(where));
    };
    return std::abs(at(radius)) < 0.5 && at(radius - 1) < -0.5 && at(radius + 1) > 0.5 && at(0) < 0;
}

double mesh_to_volume(bool polled, const sphere_mesh &mesh, double &whole_run)
{
    double to_return = 0;
    std::size_t voxels = 0;
    {
        const dcc::job job = dcc::job::create({"Mesh to volume"});
        canceller user(job);
        EXPECT(dcc::run(job, [&] {
            observed interrupter(polled, &user);
            const auto grid = to_volume(interrupter, mesh);
            to_return = user.milliseconds_since_cancel(test_clock::now());
            const bool was_stopped = interrupter.was_stopped();
            EXPECT(was_stopped);
            voxels = grid->activeVoxelCount();
            return !was_stopped;
        }) == dcc::job_state::cancelled);
    }
    const dcc::job job = dcc::job::create({"Mesh to volume again"});
    EXPECT(dcc::run(job, [&] {
        const auto begin = test_clock::now();
        observed interrupter(polled, nullptr);
        const auto grid = to_volume(interrupter, mesh);
        whole_run = milliseconds(test_clock::now() - begin);
        EXPECT(!interrupter.was_stopped());
        EXPECT(is_the_sphere(*grid));
        // The grid that a cancelled call left behind was not complete.
        EXPECT(grid->activeVoxelCount() > voxels);
        return true;
    }) == dcc::job_state::completed);
    EXPECT(job.progress().fraction == 1);
    return to_return;
}

int steps_of(openvdb::FloatGrid &grid, observed &interrupter)
{
    openvdb::tools::LevelSetFilter<openvdb::FloatGrid, openvdb::FloatGrid,
                                   openvdb::util::NullInterrupter>
        filter(grid, &interrupter.interrupter());
    int steps = 0;
    for (; steps < filter_steps && !interrupter.was_stopped(); ++steps)
        filter.meanCurvature();
    return steps;
}

void filter(const sphere_mesh &mesh)
{
    dcc::openvdb_interrupter none{dcc::token()};
    const auto sphere = to_volume(none, mesh);
    {
        const dcc::job job = dcc::job::create({"Smooth"});
        canceller user(job);
        dcc::run(job, [&] {
            observed interrupter(true, &user);
            const auto grid = sphere->deepCopy();
            EXPECT(steps_of(*grid, interrupter) < filter_steps);
            EXPECT(interrupter.was_stopped());
            // The stage was reported: the flow, or the pruning of the band.
            EXPECT(job.progress_message().find("evel") != std::string::npos);
            // The grid can still be copied, read and destroyed.
            EXPECT(grid->deepCopy()->activeVoxelCount() == grid->activeVoxelCount());
            return false;
        });
        EXPECT(job.state() == dcc::job_state::cancelled);
    }
    // The copy that was made before is complete.
    EXPECT(is_the_sphere(*sphere));
    observed interrupter(true, nullptr);
    EXPECT(steps_of(*sphere, interrupter) == filter_steps && !interrupter.was_stopped());
    EXPECT(is_the_sphere(*sphere));
}

// A given token or job is polled instead of the current one, and an object that is gone stops the work.
void what_is_polled()
{
    const dcc::token token = dcc::token::create();
    dcc::openvdb_interrupter of_token(token);
    EXPECT(!of_token.wasInterrupted() && !of_token.was_stopped());
    token.cancel();
    EXPECT(of_token.wasInterrupted(10) && of_token.was_stopped());

    const dcc::job job = dcc::job::create({"Given"});
    EXPECT(job.begin());
    dcc::openvdb_interrupter of_job(job);
    EXPECT(!of_job.wasInterrupted(50));
    EXPECT(job.progress().fraction == 0.5);
    of_job.start("Second stage");
    EXPECT(job.progress().fraction == 0.5 && job.progress_message() == "Second stage");
    // Threads report in any order.
    EXPECT(!of_job.wasInterrupted(20));
    EXPECT(job.progress().fraction == 0.5);
    {
        // An interrupter of a token reports no progress, but the current job stops it as well.
        const dcc::job_scope current(job);
        dcc::openvdb_interrupter quiet{dcc::token::create()};
        EXPECT(!quiet.wasInterrupted(90));
        EXPECT(job.progress().fraction == 0.5);
        EXPECT(job.cancel() && quiet.wasInterrupted());
    }
    EXPECT(of_job.wasInterrupted());

    // A token that is gone can no longer be cancelled.
    std::unique_ptr<dcc::openvdb_interrupter> orphan;
    {
        const dcc::token gone = dcc::token::create();
        const dcc::token_scope current(gone);
        orphan = std::make_unique<dcc::openvdb_interrupter>();
        EXPECT(!orphan->wasInterrupted());
    }
    EXPECT(orphan->wasInterrupted());
}

} // namespace

int main(int argc, char **argv)
{
    openvdb::initialize();
    const sphere_mesh mesh(400);
    double whole_run = 0;
    const double to_return = mesh_to_volume(is_polled(argc, argv), mesh, whole_run);
    filter(sphere_mesh(100));
    what_is_polled();
    print_figure("openvdb", to_return, whole_run);
    return 0;
}
