// The commands by themselves: their results, their undo, and what they refuse.

#include "driver.hpp"

#include <cmath>

namespace {

// The plain loop, over the grid's own neighbours.
std::vector<MPoint> smoothed(const stand_in::Mesh& mesh, int passes, double strength)
{
    std::vector<std::vector<std::size_t>> neighbours(mesh.points.size());
    for (const auto& edge : mesh.edges) {
        neighbours[static_cast<std::size_t>(edge[0])].push_back(static_cast<std::size_t>(edge[1]));
        neighbours[static_cast<std::size_t>(edge[1])].push_back(static_cast<std::size_t>(edge[0]));
    }
    std::vector<MPoint> points = mesh.points;
    for (int pass = 0; pass < passes; ++pass) {
        const std::vector<MPoint> from = points;
        for (std::size_t vertex = 0; vertex < points.size(); ++vertex) {
            MPoint sum(0, 0, 0);
            for (std::size_t other : neighbours[vertex])
                sum = MPoint(sum.x + from[other].x, sum.y + from[other].y, sum.z + from[other].z);
            const double count = static_cast<double>(neighbours[vertex].size());
            if (count == 0)
                continue;
            points[vertex].x += strength * (sum.x / count - from[vertex].x);
            points[vertex].y += strength * (sum.y / count - from[vertex].y);
            points[vertex].z += strength * (sum.z / count - from[vertex].z);
        }
    }
    return points;
}

double farthest(const std::vector<MPoint>& left, const std::vector<MPoint>& right)
{
    EXPECT(left.size() == right.size());
    double most = 0;
    for (std::size_t vertex = 0; vertex < left.size(); ++vertex) {
        most = std::fmax(most, std::fabs(left[vertex].x - right[vertex].x));
        most = std::fmax(most, std::fabs(left[vertex].y - right[vertex].y));
        most = std::fmax(most, std::fabs(left[vertex].z - right[vertex].z));
    }
    return most;
}

void it_smooths_and_is_undone_and_redone()
{
    stand_in::Mesh mesh = grid(60, 50);
    mesh.points.emplace_back(100, 100, 100); // of no edge
    const std::vector<MPoint> expected = smoothed(mesh, 7, 0.25);
    std::vector<MPoint>& points = maya().meshes["gridShape"].points;
    std::vector<MPoint> first;
    // Any number of threads; the object is named by its transform, by its shape, or by the selection.
    for (int threads : {1, 2, 3, 64})
        for (const char* name : {" grid", " gridShape", ""}) {
            maya().meshes["gridShape"] = mesh;
            maya().selected = *name == '\0' ? "grid" : "";
            maya().threads = threads;
            EXPECT(maya().execute("dccSmooth -i 7 -strength 0.25" + std::string(name)));
            EXPECT(farthest(points, expected) < 1e-12);
            if (first.empty())
                first = points;
            EXPECT(same(points, first));
            EXPECT(points.back().x == 100);
            const std::vector<MPoint> result = points;
            EXPECT(maya().undo() && same(points, mesh.points));
            EXPECT(maya().redo() && same(points, result));
            EXPECT(maya().undo() && same(points, mesh.points));
            maya().flushUndo();
        }
    maya().threads = 2;
    maya().selected.clear();

    // Two commands in a row are undone one by one.
    EXPECT(maya().execute("dccSmooth grid"));
    const std::vector<MPoint> once = points;
    EXPECT(maya().execute("dccSmooth grid"));
    EXPECT(maya().undo() && same(points, once));
    EXPECT(maya().undo() && same(points, mesh.points));
    maya().flushUndo();

    maya().meshes["dotShape"] = stand_in::Mesh();
    EXPECT(maya().execute("dccSmooth -iterations 2000000000 dot"));
    maya().flushUndo();
    maya().meshes.erase("dotShape");
}

void what_cannot_be_done_is_refused_with_a_reason()
{
    const stand_in::Mesh mesh = grid(4, 4);
    maya().meshes["gridShape"] = mesh;
    maya().meshes["oldShape"] = mesh;
    maya().meshes["oldShape"].hasHistory = true;
    const std::pair<const char*, const char*> refused[] = {
        {"dccSmooth -iterations 0 grid", "-iterations is 0, give 1 or more"},
        {"dccSmooth -strength 1.5 grid", "-strength is 1.5, give more than 0 and at most 1"},
        {"dccSmooth -strength nan grid", "-strength is nan"},
        {"dccSmooth -iterations many grid", "Invalid arguments"},
        {"dccSmooth -whatever grid", "Invalid arguments"},
        {"dccSmooth", "Invalid arguments"},
        {"dccSmooth grid old", "Invalid arguments"},
        {"dccSmooth nothing", "name or select one mesh"},
        {"dccSmooth camera", "camera is not a mesh"},
        {"dccSmooth old", "oldShape has construction history, delete it first"},
        {"dccCancel", "Invalid arguments"},
        {"dccCancel 12x 999999999 -5", "Invalid arguments"},
        {"dccCancel 12x 999999999 0", "no live job has the id 12x 999999999 0, see dccJobs"},
        {"dccPost", "Invalid arguments"},
        {"dccJobs all", "Invalid arguments"},
        {"dccPump -budget 0", "-budget is 0, give up to 60000 milliseconds"},
        {"dccPump -budget nan", "-budget is nan"},
    };
    for (const auto& command : refused) {
        EXPECT(!maya().execute(command.first));
        if (!contains(last_shown(), command.second))
            std::fprintf(stderr, "%s: %s\n", command.first, last_shown().c_str());
        EXPECT(contains(last_shown(), command.second));
    }
    EXPECT(same(maya().meshes["gridShape"].points, mesh.points) && maya().undoable() == 0);
    maya().meshes.erase("oldShape");
}

void jobs_are_listed_and_cancelled_by_script()
{
    maya().meshes["gridShape"] = grid(4, 4);
    std::vector<std::string> ids;
    for (int count = 0; count < 3; ++count) {
        EXPECT(maya().execute("dccPost \"dccSmooth grid\""));
        ids.push_back(maya().result);
    }
    EXPECT(maya().undoable() == 0);
    EXPECT(maya().execute("dccJobs"));
    EXPECT(maya().result.front() == '[' && maya().result.back() == ']');
    for (const std::string& id : ids)
        EXPECT(contains(maya().result, "\"id\":" + id + ","));
    EXPECT(contains(maya().result, "\"label\":\"dccSmooth grid\""));

    EXPECT(maya().execute("dccCancel -reason \"changed \\\"my\\\" mind\" " + ids[0] + " " + ids[2]));
    EXPECT(maya().result == "2");
    // A second cancel: both jobs were asked already.
    EXPECT(maya().execute("dccCancel " + ids[0]));
    EXPECT(maya().result == "0");
    const dcc::job first = dcc::job::find(std::stoull(ids[0]));
    const dcc::job second = dcc::job::find(std::stoull(ids[1]));
    process_events_until([&] { return second.state() == dcc::job_state::completed; });
    EXPECT(first.state() == dcc::job_state::cancelled);
    EXPECT(contains(last_shown(), "was cancelled: changed \"my\" mind"));
    EXPECT(maya().undoable() == 1);
    maya().flushUndo();
    // A command that fails says so, too, and a long text is cut for users.
    EXPECT(maya().execute("dccPost \"noSuchCommand \xc3\xa4" + std::string(5000, 'x') + "\""));
    const dcc::job wrong = dcc::job::find(std::stoull(maya().result));
    process_events_until([&] { return wrong.state() == dcc::job_state::failed; });
    EXPECT(contains(last_shown(), "xxx...) failed: (kFailure)"));
}

} // namespace

void commands(const std::string& plugin)
{
    const loaded_plugin loaded(plugin);
    it_smooths_and_is_undone_and_redone();
    what_cannot_be_done_is_refused_with_a_reason();
    jobs_are_listed_and_cancelled_by_script();
}
