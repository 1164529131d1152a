/* A std::jthread that works for its maker's token and job. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_THREAD_HPP
#define DCC_CANCEL_THREAD_HPP

#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "cancelled_error.hpp"
#include "context.hpp"
#include "joining.hpp"
#include "scope.hpp"
#include "stop_token.hpp"
#include "token.hpp"

namespace dcc {

/* std::jthread, also in C++17: its destructor asks the thread to stop and joins it. The thread has the
 * context of its maker, and a token of its own, below the maker's current token and job, which is current on
 * it. So polls on the thread, and its stop_token, see a cancel of the maker's token, of the maker's job, and
 * request_stop. The callable may take a stop_token before its other arguments. If a cancelled_error leaves
 * the callable, the thread ends; any other exception calls std::terminate. Start a thread that is to go on
 * after a cancel of the maker's work behind a shield. */
class jthread {
public:
    using id = std::thread::id;
    using native_handle_type = std::thread::native_handle_type;

    /* No thread. */
    jthread() noexcept : source_(nostopstate) {}

    template <class Callable, class... Arguments,
              class = std::enable_if_t<!std::is_same_v<std::decay_t<Callable>, jthread>>>
    explicit jthread(Callable &&callable, Arguments &&...arguments)
        : source_(token::create_below_current()),
          at_work_(std::make_shared<detail::threads_at_work>()),
          thread_(work<std::decay_t<Callable>, std::decay_t<Arguments>...>,
                  detail::at_work(at_work_), context::capture(), source_.get_token(),
                  std::forward<Callable>(callable), std::forward<Arguments>(arguments)...)
    {
    }

    jthread(jthread &&) noexcept = default;
    jthread &operator=(jthread &&other) noexcept
    {
        if (this != &other) {
            stop_and_join();
            source_ = std::exchange(other.source_, stop_source(nostopstate));
            at_work_ = std::move(other.at_work_);
            thread_ = std::move(other.thread_);
        }
        return *this;
    }
    ~jthread() { stop_and_join(); }

    [[nodiscard]] bool joinable() const noexcept { return thread_.joinable(); }
    /* Asks hosts' checks meanwhile, see ask_host. */
    void join()
    {
        /* In all other cases std::thread::join throws what is wrong. */
        if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id())
            at_work_->wait();
        thread_.join();
    }
    void detach() { thread_.detach(); }

    [[nodiscard]] id get_id() const noexcept { return thread_.get_id(); }
    [[nodiscard]] native_handle_type native_handle() { return thread_.native_handle(); }
    [[nodiscard]] static unsigned hardware_concurrency() noexcept
    {
        return std::thread::hardware_concurrency();
    }

    [[nodiscard]] stop_source get_stop_source() const noexcept { return source_; }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return source_.get_token(); }
    bool request_stop(std::string_view reason = {}) const noexcept { return source_.request_stop(reason); }

    void swap(jthread &other) noexcept
    {
        source_.swap(other.source_);
        at_work_.swap(other.at_work_);
        thread_.swap(other.thread_);
    }
    friend void swap(jthread &left, jthread &right) noexcept { left.swap(right); }

private:
    template <class Callable, class... Arguments>
    static void work(const detail::at_work &, const context &makers, const stop_token &own, Callable callable,
                     Arguments... arguments)
    {
        const context_scope entered(makers);
        const token_scope current(own);
#if DCC_CANCEL_EXCEPTIONS
        try {
#endif
            if constexpr (std::is_invocable_v<Callable, stop_token, Arguments...>)
                std::invoke(std::move(callable), own, std::move(arguments)...);
            else
                std::invoke(std::move(callable), std::move(arguments)...);
#if DCC_CANCEL_EXCEPTIONS
        } catch (const cancelled_error &) {
        }
#endif
    }

    void stop_and_join() noexcept
    {
        if (thread_.joinable()) {
            source_.request_stop();
            join();
        }
    }

    stop_source source_;
    std::shared_ptr<detail::threads_at_work> at_work_;
    std::thread thread_;
};

} // namespace dcc

#endif /* DCC_CANCEL_THREAD_HPP */
