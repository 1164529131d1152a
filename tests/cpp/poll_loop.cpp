// The natural use of the wrapper's pollers. A test reads the machine code that compilers make of it.
#include "dcc_cancel.hpp"

extern "C" void work(std::size_t index);
extern "C" std::size_t two_layers(std::size_t count);
extern "C" std::size_t one_layer(std::size_t count, const dcc::token *token);

extern "C" std::size_t two_layers(std::size_t count)
{
    dcc::poller cancelled;
    std::size_t i = 0;
    for (; i < count && !cancelled(); ++i)
        work(i);
    return i;
}

extern "C" std::size_t one_layer(std::size_t count, const dcc::token *token)
{
    dcc::token_poller cancelled(*token);
    std::size_t i = 0;
    for (; i < count && !cancelled(); ++i)
        work(i);
    return i;
}
