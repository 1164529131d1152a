// Code that must not compile: one line for each CASE. A test compiles each case by itself. Without a CASE the
// file compiles.

#include "dcc_cancel.hpp"

#include <string>

struct throws_at_its_end {
    void operator()() const {}
    ~throws_at_its_end() noexcept(false) {}
};

dcc::task<> nothing() { co_return; }

int main()
{
    const dcc::token token = dcc::token::create();
#if CASE == 1 // the destructor of a callback must not throw
    dcc::cancel_callback callback(token, throws_at_its_end());
#elif CASE == 2 // a callback is called without arguments, or with the token
    dcc::cancel_callback callback(token, [](const std::string &) {});
#elif CASE == 3 // use of deleted function
    const std::stop_token stop = dcc::std_stop_link(token);
#elif CASE == 4 // use of deleted function
    const auto stop = dcc::std_stop_token_from(dcc::token::create());
#elif CASE == 5 // use of deleted function
    const auto stop = dcc::std_stop_link(token).get_token();
#elif CASE == 6 // no matching function
    const dcc::token child = dcc::token::create(std::string("not a range of tokens").begin(), 7);
#elif CASE == 7 // have the function write its result to a variable
    const dcc_status sealed = dcc::job::create().try_commit([] { return false; });
#elif CASE == 8 // use of deleted function
    dcc::dispatcher().post("", []() -> dcc::task<> {
        dcc::task<> lent = nothing();
        co_await lent;
    });
#elif CASE == 9 // which a coroutine outlives
    dcc::dispatcher().post("", [](const dcc::job &) -> dcc::task<> { co_return; });
#elif CASE == 10 // a task that is posted gives nothing or bool
    dcc::dispatcher().post("", []() -> dcc::task<int> { co_return 1; });
#elif CASE == 11 // a task has its result only later
    dcc::dispatcher().async("", [] { return nothing(); });
#elif CASE == 12 // a task would do nothing here
    dcc::run(dcc::job::create(), [] { return nothing(); });
#endif
}
