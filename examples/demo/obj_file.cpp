#include "obj_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

namespace demo {
namespace {

// The next field of a line, without the blanks around it. Empty at the end of the line.
std::string_view next_field(std::string_view &rest)
{
    const std::size_t start = std::min(rest.find_first_not_of(" \t"), rest.size());
    const std::size_t end = std::min(rest.find_first_of(" \t", start), rest.size());
    const std::string_view field = rest.substr(start, end - start);
    rest.remove_prefix(end);
    return field;
}

std::string quoted(std::string_view text)
{
    constexpr std::size_t enough = 40;
    std::string shown(text.substr(0, enough));
    if (text.size() > enough)
        shown += "...";
    return '"' + shown + '"';
}

class reader {
public:
    explicit reader(const std::string &path) : path_(path) {}

    mesh read()
    {
        refuse_what_is_no_file();
        std::ifstream file(path_, std::ios::binary);
        if (!file)
            fail(std::strerror(errno));
        while (read_line(file))
            take_line();
        if (file.bad())
            fail("reading failed");
        check_whole();
        return std::move(mesh_);
    }

private:
    [[noreturn]] void fail(const std::string &what) const { throw obj_error(path_ + ": " + what); }

    [[noreturn]] void fail_here(const std::string &what) const { fail_at(line_number_, what); }

    [[noreturn]] void fail_at(std::size_t line, const std::string &what) const
    {
        throw obj_error(path_ + ":" + std::to_string(line) + ": " + what);
    }

    void refuse_what_is_no_file() const
    {
        std::error_code unknown;
        const std::filesystem::file_status status = std::filesystem::status(path_, unknown);
        if (std::filesystem::is_directory(status))
            fail("is a folder, not an OBJ file");
        if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
            !std::filesystem::is_fifo(status))
            fail("is a device, not an OBJ file");
    }

    // Reads a line, and the lines that a backslash at its end appends to it.
    bool read_line(std::istream &file)
    {
        line_.clear();
        std::string part;
        bool found = false;
        bool continued = true;
        while (continued && std::getline(file, part)) {
            found = true;
            ++line_number_;
            if (!part.empty() && part.back() == '\r')
                part.pop_back();
            if (line_number_ == 1 && part.rfind("\xEF\xBB\xBF", 0) == 0)
                part.erase(0, 3); // the byte order mark that some editors write first
            refuse_binary(part);
            continued = !part.empty() && part.back() == '\\';
            if (continued)
                part.back() = ' ';
            line_ += part;
        }
        return found;
    }

    void refuse_binary(const std::string &part) const
    {
        for (const char letter : part) {
            const unsigned byte = static_cast<unsigned char>(letter);
            if (byte < 0x20 && byte != '\t') {
                char text[64];
                std::snprintf(text, sizeof text, "byte 0x%02X: this is no text, so no OBJ file",
                              byte);
                fail_here(text);
            }
        }
    }

    void take_line()
    {
        std::string_view rest(line_);
        rest = rest.substr(0, rest.find('#'));
        const std::string_view keyword = next_field(rest);
        if (keyword == "v")
            take_vertex(rest);
        else if (keyword == "f")
            take_face(rest);
        has_content_ = has_content_ || !keyword.empty();
    }

    void take_vertex(std::string_view rest)
    {
        std::size_t numbers = 0;
        for (std::string_view field = next_field(rest); !field.empty(); field = next_field(rest)) {
            const double value = number(field);
            // The fields after x, y and z are a weight or a colour.
            if (numbers++ < 3)
                mesh_.positions.push_back(value);
        }
        if (numbers < 3)
            fail_here("a vertex needs three numbers, this one has " + std::to_string(numbers));
    }

    double number(std::string_view field) const
    {
        char *end = nullptr;
        const double value = std::strtod(field.data(), &end);
        if (end != field.data() + field.size())
            fail_here(quoted(field) + " is not a number");
        if (!(std::fabs(value) <= FLT_MAX))
            fail_here(quoted(field) + " is not a finite number");
        return value;
    }

    void take_face(std::string_view rest)
    {
        polygon_.clear();
        for (std::string_view field = next_field(rest); !field.empty(); field = next_field(rest))
            polygon_.push_back(corner(field));
        if (polygon_.size() < 3)
            fail_here("a face needs three corners, this one has " +
                      std::to_string(polygon_.size()));
        for (std::size_t third = 2; third < polygon_.size(); ++third)
            mesh_.corners.insert(mesh_.corners.end(),
                                 {polygon_[0], polygon_[third - 1], polygon_[third]});
    }

    // The vertex of "7", "7/1", "7//3" or "7/1/3". A negative number counts back from the latest vertex.
    std::uint32_t corner(std::string_view field)
    {
        const std::size_t slash = std::min(field.find('/'), field.size());
        const long long given = index(field.substr(0, slash), field);
        for (std::size_t at = slash; at < field.size();) {
            const std::size_t end = std::min(field.find('/', at + 1), field.size());
            const std::string_view other = field.substr(at + 1, end - at - 1);
            if (!other.empty())
                index(other, field);
            at = end;
        }
        const long long so_far = static_cast<long long>(mesh_.vertex_count());
        if (given < 0 ? given < -so_far : given == 0 || given > UINT32_MAX)
            fail_here("a face uses vertex " + std::to_string(given) + ", but there are " +
                      std::to_string(so_far) + (given == 0 ? ", counted from 1" : " before it"));
        const std::uint32_t used = static_cast<std::uint32_t>(given < 0 ? so_far + given : given - 1);
        // The vertex may still follow, so this is checked at the end of the file.
        if (used >= highest_used_) {
            highest_used_ = used;
            highest_line_ = line_number_;
        }
        return used;
    }

    long long index(std::string_view digits, std::string_view field) const
    {
        char *end = nullptr;
        const long long value = std::strtoll(digits.data(), &end, 10);
        if (digits.empty() || end != digits.data() + digits.size())
            fail_here(quoted(field) + " is not a corner of a face");
        return value;
    }

    void check_whole() const
    {
        if (!has_content_)
            fail(line_number_ == 0 ? "the file is empty" : "nothing but comments and empty lines");
        if (mesh_.vertex_count() == 0)
            fail("no vertices (lines that start with v); is this an OBJ file?");
        if (mesh_.triangle_count() == 0)
            fail("no faces (lines that start with f), only " +
                 std::to_string(mesh_.vertex_count()) + " vertices; the demo needs a surface");
        if (highest_used_ >= mesh_.vertex_count())
            fail_at(highest_line_, "a face uses vertex " + std::to_string(highest_used_ + 1LL) +
                                       ", but the file has " +
                                       std::to_string(mesh_.vertex_count()));
        if (!has_extent())
            fail("all faces are mere points, there is nothing to smooth");
    }

    bool has_extent() const
    {
        const auto same_place = [this](std::size_t left, std::size_t right) {
            const double *const all = mesh_.positions.data();
            const double *const first = all + 3 * std::size_t{mesh_.corners[left]};
            return std::equal(first, first + 3, all + 3 * std::size_t{mesh_.corners[right]});
        };
        for (std::size_t corner = 0; corner < mesh_.corners.size(); corner += 3)
            if (!same_place(corner, corner + 1) || !same_place(corner, corner + 2))
                return true;
        return false;
    }

    std::string path_;
    std::string line_;
    std::size_t line_number_ = 0;
    bool has_content_ = false;
    std::vector<std::uint32_t> polygon_;
    std::uint32_t highest_used_ = 0;
    std::size_t highest_line_ = 0;
    mesh mesh_;
};

} // namespace

mesh read_obj(const std::string &path)
{
    return reader(path).read();
}

void write_obj(const std::string &path, const mesh &written)
{
    std::ofstream file(path, std::ios::binary);
    file.precision(9);
    file << "# Written by the demo of dcc-cancel\n";
    for (std::size_t at = 0; at < written.positions.size(); at += 3)
        file << "v " << written.positions[at] << ' ' << written.positions[at + 1] << ' '
             << written.positions[at + 2] << '\n';
    for (std::size_t at = 0; at < written.corners.size(); at += 3)
        file << "f " << written.corners[at] + 1 << ' ' << written.corners[at + 1] + 1 << ' '
             << written.corners[at + 2] + 1 << '\n';
    file.close();
    if (!file)
        throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
}

} // namespace demo
