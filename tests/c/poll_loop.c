/* The natural use of the poll. A test reads the machine code that compilers make of it. */
#include "dcc_cancel.h"

void work(size_t index);
size_t two_layers(size_t count);
size_t one_layer(size_t count, const dcc_cancel_token *token);
size_t snapshot_in_the_loop(size_t count);

size_t two_layers(size_t count)
{
    size_t i;
    dcc_poll_pair poll = dcc_poll_current();
    for (i = 0; i < count; ++i) {
        if (dcc_poll(poll))
            break;
        work(i);
    }
    return i;
}

size_t one_layer(size_t count, const dcc_cancel_token *token)
{
    size_t i;
    dcc_poll_layer poll = dcc_poll_of(token);
    for (i = 0; i < count; ++i) {
        if (dcc_poll_one(poll))
            break;
        work(i);
    }
    return i;
}

/* Code that nobody should write. It shows that the test would notice. */
size_t snapshot_in_the_loop(size_t count)
{
    size_t i;
    for (i = 0; i < count; ++i) {
        if (dcc_poll(dcc_poll_current()))
            break;
        work(i);
    }
    return i;
}
