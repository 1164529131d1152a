// Shows: an MCP server in a plugin of a host without Python. One thread reads messages from standard input
// and hands each of them to the session first, so that a cancel reaches the native loop at its next poll. The
// UI thread works in slices and answers on standard output. A third thread tells how far the calls are, even
// while a call holds the UI thread. Logs go to standard error.
//
// Run, on Debian with nlohmann-json3-dev, after `cargo build --release`:
//     ln -sf libdcc_cancel.so target/release/libdcc_cancel.so.2
//     c++ -std=c++17 -O2 -pthread -Iinclude -Ltarget/release examples/stdio_server/main.cpp
//         -ldcc_cancel -Wl,-rpath,'$ORIGIN/release' -o target/stdio_server   (one line)
// and name target/stdio_server as a stdio server to any MCP client, or type:
//     {"jsonrpc":"2.0","id":7,"method":"tools/call",
//         "params":{"name":"long_execution","arguments":{"count":1000000}}}   (one line)
//     {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"enough"}}

#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <thread>

#include "server.hpp"

int main()
{
#ifdef SIGPIPE
    std::signal(SIGPIPE, SIG_IGN); // a client that has stopped reading also ends our input
#endif
    try {
        stdio_server::server server;
        std::thread reader([&server] { server.read(std::cin); });
        std::thread teller([&server] { server.tell(); });
        server.run();
        server.end_telling();
        teller.join();
        reader.join();
        return 0;
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "stdio_server: %s\n", failure.what());
        return 1;
    }
}
