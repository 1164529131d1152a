// Counts the memory blocks that libcurl has allocated.
#ifndef DCC_TESTS_CURL_ALLOCATIONS_HPP
#define DCC_TESTS_CURL_ALLOCATIONS_HPP

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <curl/curl.h>

#include "../cpp/expect.hpp"

inline std::atomic<long> curl_allocations{0};

inline void *counted_malloc(std::size_t bytes)
{
    ++curl_allocations;
    return std::malloc(bytes);
}

inline void *counted_calloc(std::size_t count, std::size_t bytes)
{
    ++curl_allocations;
    return std::calloc(count, bytes);
}

inline void *counted_realloc(void *memory, std::size_t bytes)
{
    curl_allocations += memory == nullptr ? 1 : 0;
    return std::realloc(memory, bytes);
}

inline char *counted_strdup(const char *text)
{
    ++curl_allocations;
    return strdup(text);
}

inline void counted_free(void *memory)
{
    curl_allocations -= memory != nullptr ? 1 : 0;
    std::free(memory);
}

// Called instead of curl_global_init.
inline void init_counting_allocations()
{
    EXPECT(curl_global_init_mem(CURL_GLOBAL_DEFAULT, counted_malloc, counted_free, counted_realloc,
                                counted_strdup, counted_calloc) == CURLE_OK);
}

#endif
