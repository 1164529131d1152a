/* Stands in for bcryptprimitives.dll, which Rust's standard library wants and wine 8 lacks. For
 * tests only: it lies beside their programs and is never shipped. */

#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return length <= 0xffffffffu && RtlGenRandom(data, (ULONG)length);
}
