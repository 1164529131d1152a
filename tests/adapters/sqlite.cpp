// SQLite: a cancel of a job stops a query, and writing in a transaction, that work for the job.

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <thread>

#include "cancelled_work.hpp"
#include "database.hpp"
#include "dcc_cancel/adapters/sqlite.hpp"
#include "without_memory.hpp"

namespace {

constexpr const char *file = "assets.db";
constexpr int rows = 1000000;
constexpr int never = std::numeric_limits<int>::max();

const std::string insert = "INSERT INTO assets " + up_to(rows) + "SELECT seen(x), hex(x) FROM counted";
const std::string query = up_to(rows) + "SELECT sum(seen(x)) FROM counted";

// Runs a statement that is cancelled in its middle. Returns how long it went on.
double cancelled(database &assets, const std::string &statement, bool polled = true,
                 int instructions = 1000)
{
    const dcc::job job = dcc::job::create({"Assets"});
    canceller user(job);
    double to_return = 0;
    EXPECT(dcc::run(job, [&] {
        std::optional<dcc::sqlite_interrupter> interrupter;
        if (polled)
            interrupter.emplace(assets.get(), instructions);
        assets.count = 0;
        assets.on_seen = [&] { user.work_has_begun(); };
        const int result = assets.execute(statement);
        to_return = user.milliseconds_since_cancel(test_clock::now());
        const bool was_stopped = result == SQLITE_INTERRUPT;
        EXPECT(was_stopped);
        EXPECT(!polled || interrupter->ended(result) == dcc::job_state::cancelled);
        EXPECT(assets.count < rows);
        return false;
    }) == dcc::job_state::cancelled);
    assets.on_seen = nullptr;
    return to_return;
}

// The table is unchanged, also for other connections.
void expect_rows(const database &assets, sqlite3_int64 count)
{
    EXPECT(sqlite3_get_autocommit(assets.get()) != 0);
    EXPECT(assets.number("SELECT count(*) FROM assets") == count);
    EXPECT(assets.is_sound());
    const database other(file);
    EXPECT(other.number("SELECT count(*) FROM assets") == count);
    EXPECT(other.is_sound());
}

double a_query(database &assets, bool polled)
{
    const double to_return = cancelled(assets, query, polled);
    // Only sqlite3_interrupt stops it here: the progress handler is never called.
    cancelled(assets, query, true, never);
    return to_return;
}

double a_transaction(database &assets)
{
    EXPECT(assets.execute("CREATE TABLE assets(id INTEGER, name TEXT)") == SQLITE_OK);
    EXPECT(assets.execute("INSERT INTO assets VALUES (0, 'kept')") == SQLITE_OK);
    // The whole transaction is rolled back, with the row from before.
    EXPECT(assets.execute("BEGIN; INSERT INTO assets VALUES (0, 'not kept')") == SQLITE_OK);
    const double to_return = cancelled(assets, insert);
    expect_rows(assets, 1);
    // The same with one statement without a transaction.
    cancelled(assets, insert, true, never);
    expect_rows(assets, 1);
    // A cancelled query rolls nothing back.
    EXPECT(assets.execute("BEGIN; INSERT INTO assets VALUES (1, 'kept')") == SQLITE_OK);
    cancelled(assets, query);
    EXPECT(sqlite3_get_autocommit(assets.get()) == 0);
    EXPECT(assets.execute("COMMIT") == SQLITE_OK);
    expect_rows(assets, 2);
    return to_return;
}

// The same statements on the same connection, for a job that is not cancelled.
double whole_runs(database &assets)
{
    const dcc::job job = dcc::job::create({"Assets"});
    double whole = 0;
    EXPECT(dcc::run(job, [&] {
        const dcc::sqlite_interrupter interrupter(assets.get());
        const auto begin = test_clock::now();
        EXPECT(assets.number(query) == sqlite3_int64{rows} * (rows + 1) / 2);
        whole = milliseconds(test_clock::now() - begin);
        EXPECT(interrupter.ended(assets.execute("BEGIN; " + insert + "; COMMIT")) ==
               dcc::job_state::completed);
        return true;
    }) == dcc::job_state::completed);
    EXPECT(assets.number("SELECT sum(id) FROM assets") == sqlite3_int64{rows} * (rows + 1) / 2 + 1);
    return whole;
}

// For SQLite 3.40 all of this is one instruction, in which SQLite only looks at the interrupt. Returns
// whether it was stopped before it had read half of the file. On a busy machine the cancel may come too late.
bool is_stopped_within_an_instruction()
{
    const database fresh(file);
    // A large cache, so that its size tells how much was read.
    EXPECT(fresh.execute("PRAGMA cache_size = -1000000") == SQLITE_OK);
    const sqlite3_int64 before = sqlite3_memory_used();
    const auto read = [&] { return sqlite3_memory_used() - before; };
    const sqlite3_int64 size = static_cast<sqlite3_int64>(std::filesystem::file_size(file));
    const dcc::token token = dcc::token::create();
    const dcc::sqlite_interrupter interrupter(fresh.get(), token);
    std::thread user([&] {
        until([&] { return read() > size / 20; });
        token.cancel();
    });
    const int result = fresh.execute("PRAGMA integrity_check");
    const bool is_in_time = read() < size / 2;
    user.join();
    EXPECT(result == SQLITE_INTERRUPT || (result == SQLITE_OK && !is_in_time));
    return is_in_time;
}

void an_integrity_check()
{
    bool is_stopped = false;
    for (int tries = 0; tries < 20 && !is_stopped; ++tries)
        is_stopped = is_stopped_within_an_instruction();
    EXPECT(is_stopped);
}

// The cancel comes before the statement: there is nothing to interrupt, and the progress handler stops it.
void cancelled_before(database &assets)
{
    const dcc::token token = dcc::token::create();
    const dcc::sqlite_interrupter interrupter(assets.get(), token);
    token.cancel();
    assets.count = 0;
    EXPECT(assets.execute(query) == SQLITE_INTERRUPT);
    EXPECT(assets.count < 1000);
    // A short statement is not stopped.
    EXPECT(assets.execute("BEGIN; INSERT INTO assets VALUES (-1, 'short'); ROLLBACK") == SQLITE_OK);
}

// An interrupt stays set while a statement is running, and also stops statements that start after it.
void the_race(database &assets)
{
    sqlite3_stmt *under_way = nullptr;
    EXPECT(sqlite3_prepare_v2(assets.get(), "SELECT id FROM assets", -1, &under_way, nullptr) ==
           SQLITE_OK);
    EXPECT(sqlite3_step(under_way) == SQLITE_ROW);
    {
        const dcc::token token = dcc::token::create();
        const dcc::sqlite_interrupter interrupter(assets.get(), token);
        token.cancel();
    }
    EXPECT(assets.execute("BEGIN") == SQLITE_INTERRUPT);
    EXPECT(sqlite3_step(under_way) == SQLITE_INTERRUPT);
    EXPECT(sqlite3_reset(under_way) == SQLITE_INTERRUPT);
    EXPECT(assets.execute("BEGIN; COMMIT") == SQLITE_OK);
    EXPECT(sqlite3_step(under_way) == SQLITE_ROW);
    EXPECT(sqlite3_finalize(under_way) == SQLITE_OK);
}

// Another statement of a transaction that is rolled back is stopped with it.
void what_else_is_under_way(database &assets)
{
    EXPECT(assets.execute("BEGIN") == SQLITE_OK);
    sqlite3_stmt *under_way = nullptr;
    EXPECT(sqlite3_prepare_v2(assets.get(), "SELECT id FROM assets", -1, &under_way, nullptr) ==
           SQLITE_OK);
    EXPECT(sqlite3_step(under_way) == SQLITE_ROW);
    cancelled(assets, insert);
    EXPECT(sqlite3_step(under_way) == SQLITE_INTERRUPT);
    EXPECT(sqlite3_finalize(under_way) == SQLITE_INTERRUPT);
    expect_rows(assets, rows + 2);
}

int count_call(void *calls)
{
    ++*static_cast<int *>(calls);
    return 0;
}

// SQLite has one progress handler for a connection, and no function returns it.
void the_progress_handler_is_replaced(database &assets)
{
    int calls = 0;
    sqlite3_progress_handler(assets.get(), 1000, count_call, &calls);
    EXPECT(assets.number(up_to(10000) + "SELECT count(*) FROM counted") == 10000);
    const int before = calls;
    EXPECT(before > 0);
    const dcc::token token = dcc::token::create();
    {
        const dcc::sqlite_interrupter interrupter(assets.get(), token);
        EXPECT(assets.number(up_to(10000) + "SELECT count(*) FROM counted") == 10000);
    }
    // No handler is left behind.
    token.cancel();
    EXPECT(assets.number(up_to(10000) + "SELECT count(*) FROM counted") == 10000);
    EXPECT(calls == before);
}

// A plugin's own progress handler that calls the adapter's.
struct chained {
    dcc::sqlite_interrupter interrupter;
    int calls = 0;

    chained(sqlite3 *connection, const dcc::token &token) : interrupter(connection, token)
    {
        sqlite3_progress_handler(connection, 1000, ask, this);
    }

    static int ask(void *data)
    {
        chained &self = *static_cast<chained *>(data);
        ++self.calls;
        return dcc::sqlite_interrupter::callback(&self.interrupter);
    }
};

void a_progress_handler_calls_it(database &assets)
{
    const dcc::token token = dcc::token::create();
    chained both(assets.get(), token);
    EXPECT(assets.number(up_to(10000) + "SELECT count(*) FROM counted") == 10000);
    EXPECT(both.calls > 1);
    token.cancel();
    EXPECT(assets.execute(query) == SQLITE_INTERRUPT);
}

// The guard is made on one thread, for a statement on another, and cancelled on a third.
void another_thread(database &assets)
{
    const dcc::job job = dcc::job::create({"Assets"});
    const dcc::sqlite_interrupter interrupter(assets.get(), job);
    int result = SQLITE_OK;
    assets.count = 0;
    std::atomic<bool> is_begun{false};
    assets.on_seen = [&] { is_begun = true; };
    std::thread worker([&] { result = assets.execute(query); });
    std::thread user([&] {
        until([&] { return is_begun.load(); });
        job.cancel();
    });
    user.join();
    worker.join();
    assets.on_seen = nullptr;
    EXPECT(result == SQLITE_INTERRUPT && assets.count < rows);
}

// The host's check is asked on the thread of its job.
void the_host_is_asked(database &assets)
{
    dcc::job_options options;
    options.is_cancelled = [&] { return assets.count > 5000; };
    const dcc::job job = dcc::job::create(options);
    assets.count = 0;
    EXPECT(dcc::run(job, [&] {
        const dcc::sqlite_interrupter interrupter(assets.get(), job);
        return interrupter.ended(assets.execute(query)) == dcc::job_state::completed;
    }) == dcc::job_state::cancelled);
    EXPECT(assets.count > 5000 && assets.count < rows);
    EXPECT(job.token().cause() == dcc::cause::foreign);
}

void results(database &assets)
{
    const dcc::sqlite_interrupter interrupter(assets.get());
    EXPECT(interrupter.ended(SQLITE_ROW) == dcc::job_state::completed);
    EXPECT(interrupter.ended(SQLITE_OK_LOAD_PERMANENTLY) == dcc::job_state::completed);
    EXPECT(interrupter.ended(SQLITE_DONE) == dcc::job_state::completed);
    EXPECT(interrupter.ended(SQLITE_CONSTRAINT_UNIQUE) == dcc::job_state::failed);
    EXPECT(interrupter.ended(SQLITE_BUSY) == dcc::job_state::failed);
}

// If a registration fails, the adapter reports it, and the connection is as before.
void no_memory(database &assets)
{
    const dcc::token token = dcc::token::create();
    dcc_status thrown = DCC_OK;
    {
        const without_memory none;
        try {
            const dcc::sqlite_interrupter interrupter(assets.get(), token);
        } catch (const dcc::error &error) {
            thrown = error.status();
        }
    }
    EXPECT(thrown == DCC_ERROR_RESOURCES);
    token.cancel();
    EXPECT(assets.number(up_to(10000) + "SELECT count(*) FROM counted") == 10000);
}

// Another thread cancels while statements end, and connections with them.
void connections_close_while_they_are_cancelled()
{
    int completed = 0, rounds = 0;
    for (; rounds < 500; ++rounds) {
        const dcc::token token = dcc::token::create();
        std::atomic<int> at{0};
        std::thread user([&] {
            while (at < rounds % 4)
                std::this_thread::yield();
            token.cancel();
        });
        {
            database brief(":memory:");
            brief.on_seen = [&] { at = 2; };
            const dcc::sqlite_interrupter interrupter(brief.get(), token);
            at = 1;
            const int result = brief.execute(up_to(2000) + "SELECT sum(seen(x)) FROM counted");
            at = 3;
            EXPECT(result == SQLITE_OK || result == SQLITE_INTERRUPT);
            completed += result == SQLITE_OK ? 1 : 0;
        }
        user.join();
    }
    EXPECT(completed > 0 && completed < rounds);
}

} // namespace

int main(int argc, char **argv)
{
    std::remove(file);
    {
        database assets(file);
        const double of_query = a_query(assets, is_polled(argc, argv));
        const double of_transaction = a_transaction(assets);
        print_figure("sqlite", of_query, whole_runs(assets));
        std::printf("FIGURE sqlite, writing in a transaction, cancel to return: %.1f ms\n",
                    of_transaction);
        an_integrity_check();
        cancelled_before(assets);
        the_race(assets);
        what_else_is_under_way(assets);
        the_progress_handler_is_replaced(assets);
        a_progress_handler_calls_it(assets);
        another_thread(assets);
        the_host_is_asked(assets);
        results(assets);
        no_memory(assets);
    }
    connections_close_while_they_are_cancelled();
    return 0;
}
