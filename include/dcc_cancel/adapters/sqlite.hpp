/* SQLite: a cancel stops the statements of a connection. Not part of dcc_cancel.hpp.
 *
 *     dcc::sqlite_interrupter interrupter(connection);  // stops with the current token or job
 *     int result = sqlite3_step(statement);
 *     switch (interrupter.ended(result)) { ... }        // completed, cancelled or failed
 *
 * As long as the object lives, a cancel makes all long statements of this connection answer SQLITE_INTERRUPT:
 * so use the connection for one job at a time. Statements may run on any thread. In SQLite's multi-thread
 * mode they may run on one thread at a time, and so may making and destroying the object.
 *
 * When it polls: in the progress handler, on the thread that runs a statement, every `instructions`
 * instructions of SQLite's virtual machine. Besides, the thread that cancels calls sqlite3_interrupt, for
 * which SQLite looks more often, and also where it does not count: a whole integrity check is one instruction
 * (3.40).
 *
 * The race in sqlite3_interrupt: it stays in effect until no statement of the connection is active. A
 * statement that gave a row, and has neither ended nor been reset since, is active. A statement that begins
 * before that is interrupted too, even your ROLLBACK, and even after the end of this object: so reset all
 * statements before. If no statement is active, the call has no effect, which is why the progress handler
 * polls as well.
 *
 * What cannot be interrupted: a statement that ends before the first poll, so ask dcc::is_cancelled before
 * COMMIT; a call of your own SQL function; a wait for another connection's lock by sqlite3_busy_timeout, so
 * call wait_for_locks in its place; writing at a commit; sqlite3_backup_step, which takes as many pages as
 * you say. There is no progress.
 *
 * What is left: the connection and its statements can be used again; reset the statement. An INSERT, UPDATE
 * or DELETE inside BEGIN rolls the whole transaction back: ask sqlite3_get_autocommit before ROLLBACK. A
 * SELECT leaves the transaction open.
 *
 * SQLite has one progress handler and one busy handler for each connection and cannot tell which: this
 * replaces the first, and wait_for_locks the second, and none is set afterwards. Destroy the object before
 * the connection is closed; the destructor waits if a cancel is just calling sqlite3_interrupt. The host's
 * own check (job_options::is_cancelled) is asked inside a statement: it must not use the connection. */

#ifndef DCC_CANCEL_ADAPTERS_SQLITE_HPP
#define DCC_CANCEL_ADAPTERS_SQLITE_HPP

#include <atomic>
#include <chrono>
#include <thread>

#include <sqlite3.h>

#include "../library_call.hpp"
#include "../library_interrupt.hpp"

namespace dcc {

class sqlite_interrupter {
public:
    /* Polls what is current here. `instructions` is at least 1. */
    explicit sqlite_interrupter(sqlite3 *connection, int instructions = 1000)
        : connection_(connection), call_(interrupt{connection})
    {
        install(instructions);
    }

    /* Polls this token in place of the current one. */
    sqlite_interrupter(sqlite3 *connection, const token &polled, int instructions = 1000)
        : poll_(polled), connection_(connection), call_(polled, interrupt{connection})
    {
        install(instructions);
    }

    /* Polls this job in place of the current one. */
    sqlite_interrupter(sqlite3 *connection, const job &polled, int instructions = 1000)
        : poll_(polled), connection_(connection), call_(polled, interrupt{connection})
    {
        install(instructions);
    }

    sqlite_interrupter(const sqlite_interrupter &) = delete;
    sqlite_interrupter &operator=(const sqlite_interrupter &) = delete;

    ~sqlite_interrupter()
    {
        sqlite3_progress_handler(connection_, 0, nullptr, nullptr);
        if (waits_for_locks_)
            sqlite3_busy_handler(connection_, nullptr, nullptr);
    }

    /* In place of sqlite3_busy_timeout, as long as this lives: statements wait at most `longest` for the
     * locks of other connections. If such a wait is cancelled, the statement answers SQLITE_BUSY. */
    void wait_for_locks(std::chrono::milliseconds longest) noexcept
    {
        longest_wait_ = longest;
        waits_for_locks_ = true;
        sqlite3_busy_handler(connection_, &sqlite_interrupter::go_on_waiting, this);
    }

    /* How a statement ended, from the result of sqlite3_step or sqlite3_exec. Also cancelled if other code
     * calls sqlite3_interrupt. */
    job_state ended(int result) const noexcept
    {
        switch (result & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE: return job_state::completed;
        case SQLITE_INTERRUPT: return job_state::cancelled;
        case SQLITE_BUSY: return wait_was_stopped_ ? job_state::cancelled : job_state::failed;
        default: return job_state::failed;
        }
    }

    /* Negative: statements stop late or not at all. If exceptions are enabled, the constructors throw this.
     */
    dcc_status status() const noexcept
    {
        return poll_.status() < 0 ? poll_.status() : call_.status();
    }

    /* The progress handler, whose argument is the sqlite_interrupter. If you set a handler of your own after
     * this was made, call this in it. Not 0: stop. */
    static int callback(void *self) noexcept
    {
        return static_cast<sqlite_interrupter *>(self)->poll_.should_stop() ? 1 : 0;
    }

private:
    struct interrupt {
        sqlite3 *connection;
        void operator()() const noexcept { sqlite3_interrupt(connection); }
    };

    /* The busy handler. 0: wait no more. */
    static int go_on_waiting(void *data, int times_before) noexcept
    {
        sqlite_interrupter &self = *static_cast<sqlite_interrupter *>(data);
        const auto now = std::chrono::steady_clock::now();
        if (times_before == 0)
            self.wait_began_ = now;
        const std::chrono::nanoseconds left = self.longest_wait_ - (now - self.wait_began_);
        self.wait_was_stopped_ = self.poll_.should_stop();
        if (self.wait_was_stopped_ || left <= left.zero())
            return 0;
        const std::chrono::milliseconds pause(times_before < 10 ? times_before + 1 : 10);
        std::this_thread::sleep_for(left < pause ? left : pause);
        return 1;
    }

    void install(int instructions) noexcept
    {
        sqlite3_progress_handler(connection_, instructions, &sqlite_interrupter::callback, this);
    }

    library_call poll_;
    sqlite3 *connection_;
    bool waits_for_locks_ = false;
    std::chrono::milliseconds longest_wait_{0};
    std::chrono::steady_clock::time_point wait_began_;
    std::atomic<bool> wait_was_stopped_{false};
    /* The last member: destroyed first, so that it never interrupts a connection that may be closed. */
    library_interrupt<interrupt> call_;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_SQLITE_HPP */
