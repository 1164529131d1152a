// Shows: a plugin whose loops an agent can cancel, although the plugin knows nothing of agents, MCP or
// Python. It polls the token and the job that are current on its thread, asks before each step whether to
// stop, and returns what it has done so far.
//
// Build, after `cargo build --release`, on Linux:
//     ln -sf libdcc_cancel.so target/release/libdcc_cancel.so.2
//     c++ -std=c++17 -O2 -fPIC -shared -Iinclude -Ltarget/release
//         examples/mcp_server/bake_plugin.cpp -ldcc_cancel '-Wl,-rpath,$ORIGIN'
//         -o target/release/libbake_plugin.so   (one line)
// Run: server.py beside this file loads it.

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "dcc_cancel.h"

extern "C" {

// The outcome of a call. native_bake.py declares the same layout.
struct bake_outcome {
    uint64_t done;              // passes or bytes that were done
    uint64_t asked;             // passes or bytes that were to do
    uint64_t result;            // checksum of the work that was done
    uint64_t cancel_to_seen_ns; // from the cancel to the poll that saw it, 0 if there was none
    char error[256];            // what went wrong; empty if nothing did
};

} // extern "C"

namespace {

std::atomic<int64_t> open_resources{0};

// A member of each resource that must be given back. `open_resources` shows whether that has happened.
struct counted {
    counted() { ++open_resources; }
    ~counted() { --open_resources; }
    counted(const counted &) = delete;
    counted &operator=(const counted &) = delete;
};

constexpr std::size_t side = 96;

// A square of heights. Each pass smooths all of it.
class height_field {
public:
    explicit height_field(uint64_t seed) : heights_(side * side), smoothed_(side * side)
    {
        for (double &height : heights_) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            height = static_cast<double>(seed >> 40);
        }
    }

    // Answers 0, or why it stopped. A pass that stopped has changed nothing.
    dcc_status smooth(dcc_poll_pair poll)
    {
        for (std::size_t row = 0; row < side; ++row) {
            if (const dcc_status why = dcc_poll(poll))
                return why;
            for (std::size_t column = 0; column < side; ++column)
                smoothed_[row * side + column] =
                    (at(row + side - 1, column) + at(row + 1, column) + at(row, column) +
                     at(row, column + side - 1) + at(row, column + 1)) /
                    5.0;
        }
        heights_.swap(smoothed_);
        return DCC_OK;
    }

    uint64_t checksum() const
    {
        uint64_t sum = 14695981039346656037u;
        for (const double height : heights_) {
            uint64_t bits = 0;
            std::memcpy(&bits, &height, sizeof bits);
            sum = (sum ^ bits) * 1099511628211u;
        }
        return sum;
    }

private:
    double at(std::size_t row, std::size_t column) const
    {
        return heights_[row % side * side + column % side];
    }

    counted counted_;
    std::vector<double> heights_;
    std::vector<double> smoothed_;
};

class input_file {
public:
    explicit input_file(const char *path) : file_(std::fopen(path, "rb"))
    {
        if (!file_)
            throw std::runtime_error(std::string("cannot open ") + path + ": " +
                                     std::strerror(errno));
    }
    ~input_file() { std::fclose(file_); }

    uint64_t size()
    {
        std::fseek(file_, 0, SEEK_END);
        const long end = std::ftell(file_);
        if (end < 0)
            throw std::runtime_error(std::string("cannot tell the file's size: ") +
                                     std::strerror(errno));
        std::rewind(file_);
        return static_cast<uint64_t>(end);
    }

    std::size_t read(std::vector<unsigned char> &block)
    {
        const std::size_t length = std::fread(block.data(), 1, block.size(), file_);
        if (std::ferror(file_) != 0)
            throw std::runtime_error(std::string("cannot read on: ") + std::strerror(errno));
        return length;
    }

private:
    counted counted_;
    std::FILE *file_;
};

// The CRC-32 that zip files use.
class crc32 {
public:
    crc32()
    {
        for (uint32_t byte = 0; byte < table_.size(); ++byte) {
            uint32_t value = byte;
            for (int bit = 0; bit < 8; ++bit)
                value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320u : 0u);
            table_[byte] = value;
        }
    }
    void add(const unsigned char *bytes, std::size_t length)
    {
        for (std::size_t at = 0; at < length; ++at)
            value_ = (value_ >> 8) ^ table_[(value_ ^ bytes[at]) & 0xFFu];
    }
    uint32_t value() const { return ~value_; }

private:
    std::array<uint32_t, 256> table_ = {};
    uint32_t value_ = ~0u;
};

void note_progress(const bake_outcome &outcome)
{
    dcc_job_set_progress(dcc_job_current(), outcome.done, outcome.asked, nullptr, 0);
}

// The time from the cancel to the poll that saw it. The library has noted it at that poll.
uint64_t cancel_to_seen_ns()
{
    dcc_job_thread thread = {};
    size_t count = 0;
    const dcc_status read =
        dcc_job_threads(dcc_job_current(), &thread, sizeof thread, 1, &count);
    return read == DCC_OK && count > 0 ? thread.cancel_to_seen_ns : 0;
}

// Runs work without letting an exception pass through C. Answers 0, why the work stopped, or an error.
template <typename Work> int32_t guarded(bake_outcome *outcome, Work work)
{
    *outcome = {};
    try {
        const dcc_status stopped = work(*outcome);
        if (stopped != DCC_OK)
            outcome->cancel_to_seen_ns = cancel_to_seen_ns();
        return stopped;
    } catch (const std::exception &error) {
        std::snprintf(outcome->error, sizeof outcome->error, "%s", error.what());
        return DCC_ERROR_INTERNAL;
    }
}

dcc_status bake(uint64_t seed, uint64_t passes, bake_outcome &outcome)
{
    outcome.asked = passes;
    const auto field = std::make_unique<height_field>(seed);
    const dcc_poll_pair poll = dcc_poll_current(); // for rows; each pass also asks the host's check
    dcc_status stopped = DCC_OK;
    while (outcome.done < passes) {
        if ((stopped = dcc_check_cancelled()) != DCC_OK)
            break;
        if ((stopped = field->smooth(poll)) != DCC_OK)
            break;
        ++outcome.done;
        note_progress(outcome);
    }
    outcome.result = field->checksum();
    return stopped;
}

} // namespace

extern "C" {

// Smooths a height field `count` times.
int32_t long_execution(uint64_t count, bake_outcome *outcome)
{
    return guarded(outcome, [count](bake_outcome &out) { return bake(1, count, out); });
}

// Smooths a height field that is made from the topic a few times.
int32_t short_execution(const char *topic, bake_outcome *outcome)
{
    return guarded(outcome, [topic](bake_outcome &out) {
        uint64_t seed = 0;
        for (const char *letter = topic; *letter != '\0'; ++letter)
            seed = seed * 31 + static_cast<unsigned char>(*letter);
        return bake(seed, 10, out);
    });
}

// The CRC-32 of a file, read in blocks.
int32_t process_large_file(const char *path, bake_outcome *outcome)
{
    return guarded(outcome, [path](bake_outcome &out) {
        input_file file(path);
        out.asked = file.size();
        std::vector<unsigned char> block(64 * 1024);
        crc32 sum;
        dcc_status stopped = DCC_OK;
        while ((stopped = dcc_check_cancelled()) == DCC_OK) {
            const std::size_t length = file.read(block);
            if (length == 0)
                break;
            sum.add(block.data(), length);
            out.done += length;
            note_progress(out);
        }
        out.result = sum.value();
        return stopped;
    });
}

// How many files and height fields are in use.
int64_t bake_open_resources(void) { return open_resources; }

} // extern "C"
