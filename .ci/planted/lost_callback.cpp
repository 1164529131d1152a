// Makes a callback that is never destroyed.

#include "dcc_cancel.hpp"

int main()
{
    dcc::token token = dcc::token::create();
    static_cast<void>(new dcc::cancel_callback(token, [] {}));
    token.cancel();
    return 0;
}
