// Makes registrations fail: while an object of this class lives, there is no memory for them.
#ifndef DCC_TESTS_WITHOUT_MEMORY_HPP
#define DCC_TESTS_WITHOUT_MEMORY_HPP

#include <atomic>
#include <cstddef>
#include <new>

class without_memory {
public:
    without_memory() { lives = true; }
    ~without_memory() { lives = false; }
    without_memory(const without_memory &) = delete;
    without_memory &operator=(const without_memory &) = delete;

    static inline std::atomic<bool> lives{false};
};

// The program's own operator replaces the standard library's.
void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    return without_memory::lives ? nullptr : ::operator new(size);
}

#endif
