// The checks of the test programs, instead of assert, which release builds leave out.
#ifndef DCC_TESTS_EXPECT_HPP
#define DCC_TESTS_EXPECT_HPP

#include <cstdio>
#include <cstdlib>

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            std::fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1); \
        } \
    } while (false)

#endif
