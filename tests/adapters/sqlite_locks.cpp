// SQLite: a cancel ends a wait for the lock of another connection.

#include <atomic>
#include <cstdio>
#include <thread>

#include "cancelled_work.hpp"
#include "database.hpp"
#include "dcc_cancel/adapters/sqlite.hpp"

namespace {

constexpr const char *file = "locked.db";
constexpr const char *write = "INSERT INTO assets VALUES (1)";

// Returns how long a write took that had to wait.
double locked_out(const database &assets)
{
    const auto begin = test_clock::now();
    EXPECT(assets.execute(write) == SQLITE_BUSY);
    return milliseconds(test_clock::now() - begin);
}

double a_wait_stops(const database &assets, const database &other, bool polled)
{
    EXPECT(other.execute("BEGIN EXCLUSIVE") == SQLITE_OK);
    // The host's check is asked, too, which shows that the wait has begun.
    std::atomic<int> questions{0};
    dcc::job_options options;
    options.is_cancelled = [&] {
        ++questions;
        return false;
    };
    const dcc::job job = dcc::job::create(options);
    double to_return = 0;
    EXPECT(dcc::run(job, [&] {
        dcc::sqlite_interrupter interrupter(assets.get());
        if (!polled) {
            EXPECT(sqlite3_busy_timeout(assets.get(), 1000) == SQLITE_OK);
            job.cancel();
            const bool was_stopped = locked_out(assets) < 900;
            EXPECT(was_stopped);
        }
        interrupter.wait_for_locks(hangs_after);
        int result = SQLITE_OK;
        to_return = cancelled_once(job, [&] { return questions > 3; },
                                   [&] { result = assets.execute(write); });
        EXPECT(result == SQLITE_BUSY && interrupter.ended(result) == dcc::job_state::cancelled);
        return false;
    }) == dcc::job_state::cancelled);
    EXPECT(to_return < 1000 * hang_seconds);
    EXPECT(other.execute("ROLLBACK") == SQLITE_OK);
    EXPECT(assets.number("SELECT count(*) FROM assets") == 0);
    EXPECT(assets.execute(write) == SQLITE_OK);
    return to_return;
}

// Without a cancel the wait lasts as long as it was told to, and no longer than necessary.
void waits(const database &assets, const database &other)
{
    EXPECT(other.execute("BEGIN EXCLUSIVE") == SQLITE_OK);
    dcc::sqlite_interrupter interrupter(assets.get());
    interrupter.wait_for_locks(std::chrono::milliseconds(50));
    EXPECT(locked_out(assets) >= 50);
    EXPECT(interrupter.ended(SQLITE_BUSY) == dcc::job_state::failed);
    interrupter.wait_for_locks(hangs_after);
    std::thread holder([&] { EXPECT(other.execute("ROLLBACK") == SQLITE_OK); });
    EXPECT(interrupter.ended(assets.execute(write)) == dcc::job_state::completed);
    holder.join();
}

void nobody_waits_afterwards(const database &assets, const database &other)
{
    {
        dcc::sqlite_interrupter interrupter(assets.get());
        interrupter.wait_for_locks(hangs_after);
    }
    EXPECT(other.execute("BEGIN EXCLUSIVE") == SQLITE_OK);
    EXPECT(locked_out(assets) < 1000 * hang_seconds);
    EXPECT(other.execute("ROLLBACK") == SQLITE_OK);
}

// SQLite's own wait stays if wait_for_locks is not called, and no cancel ends it.
double a_wait_of_sqlite(const database &assets, const database &other)
{
    EXPECT(sqlite3_busy_timeout(assets.get(), 200) == SQLITE_OK);
    EXPECT(other.execute("BEGIN EXCLUSIVE") == SQLITE_OK);
    const dcc::token token = dcc::token::create();
    token.cancel();
    double whole = 0;
    for (int round = 0; round < 2; ++round) {
        const dcc::sqlite_interrupter interrupter(assets.get(), token);
        whole = locked_out(assets);
        EXPECT(whole > 100);
        EXPECT(interrupter.ended(SQLITE_BUSY) == dcc::job_state::failed);
    }
    EXPECT(other.execute("ROLLBACK") == SQLITE_OK);
    return whole;
}

} // namespace

int main(int argc, char **argv)
{
    std::remove(file);
    const database assets(file), other(file);
    EXPECT(assets.execute("CREATE TABLE assets(id)") == SQLITE_OK);
    const double to_return = a_wait_stops(assets, other, is_polled(argc, argv));
    waits(assets, other);
    nobody_waits_afterwards(assets, other);
    print_figure("sqlite_locks", to_return, a_wait_of_sqlite(assets, other));
    return 0;
}
