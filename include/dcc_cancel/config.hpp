/* What the compiler and its flags allow. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CONFIG_HPP
#define DCC_CANCEL_CONFIG_HPP

#if (defined(_MSVC_LANG) && _MSVC_LANG < 201703L) || (!defined(_MSVC_LANG) && __cplusplus < 201703L)
#error "dcc_cancel.hpp needs C++17 or newer: compile with -std=c++17 or /std:c++17"
#endif

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define DCC_CANCEL_EXCEPTIONS 1
#else
#define DCC_CANCEL_EXCEPTIONS 0
#endif

/* A hidden function or variable: each plugin has its own. */
#ifndef DCC_CANCEL_HIDDEN_
#if defined(_WIN32)
#define DCC_CANCEL_HIDDEN_
#else
#define DCC_CANCEL_HIDDEN_ __attribute__((visibility("hidden")))
#endif
#endif

/* Default arguments that tell where in the source a call stands. */
#define DCC_CANCEL_HERE_ \
    const char *file = __builtin_FILE(), unsigned line = static_cast<unsigned>(__builtin_LINE())

#endif /* DCC_CANCEL_CONFIG_HPP */
