/* Replaces bcryptprimitives.dll, which Rust's standard library needs and wine 8 lacks. It is for tests only:
 * it is put beside their programs and never shipped. */

#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return length <= 0xffffffffu && RtlGenRandom(data, (ULONG)length);
}
