/* Threads that work for their maker's token. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_THREAD_HPP
#define DCC_CANCEL_THREAD_HPP

#include <functional>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "context.hpp"
#include "scope.hpp"
#include "stop_token.hpp"
#include "token.hpp"

namespace dcc {

/* std::jthread, also in C++17: its destructor asks the thread to stop and joins it. The thread has the
 * context of its maker, and a token of its own below the maker's current one, which is current there: so
 * polls in it see a cancel of the maker's token, of the maker's job, and request_stop. The callable may take
 * a stop_token before the other arguments. */
class jthread {
public:
    using id = std::thread::id;
    using native_handle_type = std::thread::native_handle_type;

    /* No thread. */
    jthread() noexcept : source_(nostopstate) {}

    template <class Callable, class... Arguments,
              class = std::enable_if_t<!std::is_same_v<std::decay_t<Callable>, jthread>>>
    explicit jthread(Callable &&callable, Arguments &&...arguments)
        : source_(token::create({token::current()})),
          thread_(work<std::decay_t<Callable>, std::decay_t<Arguments>...>,
                  context::capture(), source_.get_token(), std::forward<Callable>(callable),
                  std::forward<Arguments>(arguments)...)
    {
    }

    jthread(jthread &&) noexcept = default;
    jthread &operator=(jthread &&other) noexcept
    {
        if (this != &other) {
            stop_and_join();
            source_ = std::exchange(other.source_, stop_source(nostopstate));
            thread_ = std::move(other.thread_);
        }
        return *this;
    }
    ~jthread() { stop_and_join(); }

    [[nodiscard]] bool joinable() const noexcept { return thread_.joinable(); }
    void join() { thread_.join(); }
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
        thread_.swap(other.thread_);
    }
    friend void swap(jthread &left, jthread &right) noexcept { left.swap(right); }

private:
    template <class Callable, class... Arguments>
    static void work(const context &makers, const stop_token &own, Callable callable,
                     Arguments... arguments)
    {
        const context_scope entered(makers);
        const token_scope current(own);
        if constexpr (std::is_invocable_v<Callable, stop_token, Arguments...>)
            std::invoke(std::move(callable), own, std::move(arguments)...);
        else
            std::invoke(std::move(callable), std::move(arguments)...);
    }

    void stop_and_join() noexcept
    {
        if (thread_.joinable()) {
            source_.request_stop();
            thread_.join();
        }
    }

    stop_source source_;
    std::thread thread_;
};

} // namespace dcc

#endif /* DCC_CANCEL_THREAD_HPP */
