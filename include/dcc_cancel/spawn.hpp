/* Several pieces of work at once, which all end with a scope. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_SPAWN_HPP
#define DCC_CANCEL_SPAWN_HPP

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "cancelled_error.hpp"
#include "context.hpp"
#include "joining.hpp"
#include "poll.hpp"
#include "scope.hpp"
#include "stop_token.hpp"
#include "token.hpp"

namespace dcc {

/* Runs pieces of some work, each on its own thread, with the context of the thread that makes the scope:
 *
 *     dcc::scope pieces;
 *     for (mesh &part : parts)
 *         pieces.spawn([&part] { return smooth(part); });   // polls in it see the job's cancel
 *     return pieces.join();                          // all are done; throws what the first failure threw
 *
 * The scope has a token below the maker's current token and job, which is current in each piece. A piece
 * fails by an exception or by returning false. The first failure cancels the token: the other pieces stop at
 * their next poll. A cancelled_error is no failure if that token, or the maker's job, is cancelled. A piece
 * that returns nothing counts as stopped if it is cancelled when it returns.
 *
 * The destructor cancels pieces that are still running and waits for them, so what the pieces refer to need
 * only live as long as the scope. Pieces may spawn further pieces. join and the destructor are for the
 * maker's thread; they ask hosts' checks meanwhile, see ask_host. */
class scope {
public:
    scope() : context_(context::capture()), source_(token::create_below_current()) {}

    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;
    ~scope()
    {
        source_.request_stop("the scope was left");
        wait();
    }

    /* Takes a callable without arguments, or one that takes the scope's stop_token. */
    template <class Piece> void spawn(Piece &&piece)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        threads_.emplace_back([this, kept = std::decay_t<Piece>(std::forward<Piece>(piece)),
                               counted = detail::at_work(at_work_)]() mutable { run(kept); });
    }

    /* Waits for all pieces. Throws what the first failure threw. False: a piece returned false, or the work
     * was cancelled. */
    [[nodiscard]] bool join()
    {
        wait();
        std::exception_ptr failure;
        bool all_done;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            failure = std::exchange(failure_, nullptr);
            all_done = !has_failed_ && !was_cancelled_;
        }
#if DCC_CANCEL_EXCEPTIONS
        if (failure)
            std::rethrow_exception(failure);
#endif
        return all_done;
    }

    /* Asks all pieces to stop. */
    bool cancel(std::string_view reason = {}) const noexcept { return source_.request_stop(reason); }

    [[nodiscard]] stop_token get_token() const noexcept { return source_.get_token(); }

private:
    template <class Piece> void run(Piece &piece) noexcept
    {
#if DCC_CANCEL_EXCEPTIONS
        try {
            const context_scope entered(context_);
            const token_scope current(source_.get_token());
            try {
                call(piece);
            } catch (const cancelled_error &) {
                fail(std::current_exception(), is_cancelled());
            }
        } catch (...) {
            fail(std::current_exception(), false);
        }
#else
        const context_scope entered(context_);
        const token_scope current(source_.get_token());
        call(piece);
#endif
    }

    template <class Piece> void call(Piece &piece)
    {
        if constexpr (std::is_invocable_v<Piece &, stop_token>)
            call_with(piece, source_.get_token());
        else
            call_with(piece);
    }

    template <class Piece, class... Given> void call_with(Piece &piece, Given &&...given)
    {
        using answer = std::invoke_result_t<Piece &, Given...>;
        if constexpr (std::is_convertible_v<answer, bool>) {
            if (!std::invoke(piece, std::forward<Given>(given)...))
                fail(nullptr, is_cancelled());
        } else {
            std::invoke(piece, std::forward<Given>(given)...);
            /* Its result does not tell whether it got to its end. */
            if (is_cancelled())
                fail(nullptr, true);
        }
    }

    void fail(std::exception_ptr failure, bool is_cancelled) noexcept
    {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (is_cancelled) {
                was_cancelled_ = true;
                return;
            }
            if (!has_failed_)
                failure_ = std::move(failure);
            has_failed_ = true;
        }
        source_.request_stop("another piece failed");
    }

    void wait() noexcept
    {
        at_work_->wait();
        for (;;) {
            std::vector<std::thread> running;
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                running.swap(threads_);
            }
            if (running.empty())
                return;
            for (std::thread &thread : running)
                thread.join();
        }
    }

    context context_;
    stop_source source_;
    std::mutex mutex_;
    std::vector<std::thread> threads_;
    std::shared_ptr<detail::threads_at_work> at_work_ = std::make_shared<detail::threads_at_work>();
    std::exception_ptr failure_;
    bool has_failed_ = false;
    bool was_cancelled_ = false;
};

} // namespace dcc

#endif /* DCC_CANCEL_SPAWN_HPP */
