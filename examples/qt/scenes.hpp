// What the jobs compute, slice by slice, each with a picture that shows how far it is. This is plain C++ that
// knows neither Qt nor the dispatcher. It polls the job that is current on its thread, so it can also be
// cancelled when all of it runs on a worker.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "dcc_cancel.hpp"

namespace scenes {

constexpr int width = 192;
constexpr int height = 144;

// A number for each vertex, texel or cell.
using field = std::vector<float>;

inline std::size_t at(int x, int y)
{
    return static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x);
}

// The sum of the four neighbours. Beyond an edge the field goes on at the opposite edge.
inline float around(const field &of, int x, int y)
{
    const int left = x > 0 ? x - 1 : width - 1, right = x + 1 < width ? x + 1 : 0;
    const int above = y > 0 ? y - 1 : height - 1, below = y + 1 < height ? y + 1 : 0;
    return of[at(left, y)] + of[at(right, y)] + of[at(x, above)] + of[at(x, below)];
}

class scene {
public:
    // `unit` is the word for one slice that people see.
    scene(int slices, const char *unit)
        : total_(slices), unit_(unit), pixels_(std::size_t(width) * height, nothing)
    {
    }
    virtual ~scene() = default;

    // Computes one slice, for about a millisecond. False: it was asked to stop and did not finish the slice.
    bool run_slice()
    {
        if (!work())
            return false;
        ++done_;
        return true;
    }

    int done() const { return done_; }
    int total() const { return total_; }

    std::string progress_text() const
    {
        return unit_ + ' ' + std::to_string(done_) + " of " + std::to_string(total_);
    }

    // 0xffRRGGBB, line by line.
    const std::vector<std::uint32_t> &pixels() const { return pixels_; }

    // The colour of a pixel that was not painted yet.
    static constexpr std::uint32_t nothing = 0xffe4e4e4u;

protected:
    virtual bool work() = 0;

    void paint(int x, int y, float red, float green, float blue)
    {
        const auto byte = [](float part) {
            return static_cast<std::uint32_t>(255.0f * std::clamp(part, 0.0f, 1.0f));
        };
        pixels_[at(x, y)] = 0xff000000u | byte(red) << 16 | byte(green) << 8 | byte(blue);
    }

private:
    int done_ = 0;
    int total_;
    std::string unit_;
    std::vector<std::uint32_t> pixels_;
};

// Removes the noise of a scanned terrain and keeps its hills, by Taubin's method: each pass makes a step
// inwards and one outwards.
class smoothing : public scene {
public:
    smoothing() : scene(200, "pass"), heights_(pixels().size()), next_(heights_)
    {
        std::mt19937 random(7);
        std::normal_distribution<float> noise(0.0f, 0.9f);
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
                const float u = 6.2831853f * float(x) / width, v = 6.2831853f * float(y) / height;
                heights_[at(x, y)] = 7.0f * std::sin(u + 0.6f * std::sin(2.0f * v)) +
                                     5.0f * std::cos(2.0f * v - u) +
                                     2.5f * std::sin(3.0f * u + 2.0f * v) + noise(random);
            }
        shade();
    }

protected:
    bool work() override { return relax(0.20f) && relax(-0.21f) && shade(); }

private:
    bool relax(float strength)
    {
        dcc::poller cancelled;
        for (int y = 0; y < height; ++y) {
            if (cancelled())
                return false;
            for (int x = 0; x < width; ++x) {
                const float own = heights_[at(x, y)];
                next_[at(x, y)] = own + strength * (around(heights_, x, y) / 4.0f - own);
            }
        }
        heights_.swap(next_);
        return true;
    }

    // Paints the terrain with light from the upper left.
    bool shade()
    {
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
                const float own = heights_[at(x, y)];
                const float dx = own - heights_[at((x + 1) % width, y)];
                const float dy = own - heights_[at(x, (y + 1) % height)];
                const float light = (0.8f - 0.55f * dx - 0.65f * dy) /
                                    std::sqrt(1.0f + dx * dx + dy * dy);
                const float height_part = 0.5f + own / 30.0f;
                const float lit = 0.15f + 0.85f * std::max(light, 0.0f);
                paint(x, y, lit * (0.55f + 0.45f * height_part), lit * (0.72f + 0.18f * height_part),
                      lit * (0.45f + 0.35f * height_part));
            }
        return true;
    }

    field heights_, next_;
};

// How much of the sky each point of a floor with some balls sees. One slice is one line of the picture.
class baking : public scene {
public:
    baking() : scene(height, "line") {}

protected:
    bool work() override
    {
        dcc::poller cancelled;
        for (int x = 0; x < width; ++x) {
            if (cancelled())
                return false;
            const int y = done();
            const vector ray = unit({(x - width / 2) / 165.0f, (height / 2 - y) / 165.0f - 0.36f, 1});
            const hit seen = nearest(eye, ray);
            const float open = seen.ball == sky ? 1.0f : openness(seen);
            const colour &own = colours[std::size_t(seen.ball)];
            paint(x, y, open * own[0], open * own[1], open * own[2]);
        }
        return true;
    }

private:
    using vector = std::array<float, 3>;
    using colour = std::array<float, 3>;
    struct ball {
        vector centre;
        float radius;
    };
    struct hit {
        vector point;
        vector normal;
        int ball;
    };

    static constexpr vector eye = {0.0f, 2.2f, -4.2f};
    static constexpr std::array<ball, 6> balls = {{{{-1.15f, 0.8f, 0.6f}, 0.8f},
                                                   {{0.35f, 0.6f, 0.1f}, 0.6f},
                                                   {{1.55f, 0.95f, 1.1f}, 0.95f},
                                                   {{-0.45f, 0.3f, -0.7f}, 0.3f},
                                                   {{1.05f, 0.25f, -0.6f}, 0.25f},
                                                   {{0.25f, 0.7f, 1.9f}, 0.7f}}};
    static constexpr int floor = 6;
    static constexpr int sky = 7;
    static constexpr std::array<colour, 8> colours = {{{0.93f, 0.55f, 0.35f},
                                                       {0.95f, 0.83f, 0.50f},
                                                       {0.45f, 0.66f, 0.72f},
                                                       {0.80f, 0.38f, 0.38f},
                                                       {0.55f, 0.70f, 0.50f},
                                                       {0.75f, 0.68f, 0.82f},
                                                       {0.92f, 0.91f, 0.88f},
                                                       {0.72f, 0.82f, 0.90f}}};

    static float dot(const vector &a, const vector &b)
    {
        return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    }

    // The point that is `length` times `direction` away from `start`.
    static vector along(const vector &start, const vector &direction, float length)
    {
        return {start[0] + length * direction[0], start[1] + length * direction[1],
                start[2] + length * direction[2]};
    }

    static vector unit(const vector &any) { return along({}, any, 1.0f / std::sqrt(dot(any, any))); }

    static hit nearest(const vector &start, const vector &ray)
    {
        float distance = ray[1] < 0.0f ? -start[1] / ray[1] : 1e9f;
        int found = ray[1] < 0.0f ? floor : sky;
        for (int index = 0; index < floor; ++index) {
            const ball &candidate = balls[std::size_t(index)];
            const vector offset = along(start, candidate.centre, -1.0f);
            const float middle = dot(offset, ray);
            const float inside =
                middle * middle - dot(offset, offset) + candidate.radius * candidate.radius;
            const float entry = inside > 0.0f ? -middle - std::sqrt(inside) : -1.0f;
            if (entry > 0.001f && entry < distance) {
                distance = entry;
                found = index;
            }
        }
        const vector point = along(start, ray, distance);
        if (found >= floor)
            return {point, {0.0f, 1.0f, 0.0f}, found};
        return {point, unit(along(point, balls[std::size_t(found)].centre, -1.0f)), found};
    }

    float openness(const hit &from)
    {
        constexpr int rays = 64;
        int free = 0;
        for (int count = 0; count < rays; ++count) {
            // A random direction plus the normal. It sends more rays where they matter more.
            const vector any = unit({spread_(random_), spread_(random_), spread_(random_)});
            const vector ray = unit(along(any, from.normal, 1.02f));
            free += nearest(along(from.point, from.normal, 0.002f), ray).ball == sky ? 1 : 0;
        }
        return float(free) / rays;
    }

    std::minstd_rand random_{3};
    std::normal_distribution<float> spread_;
};

// Grows a coral from two chemicals that react with each other (the model of Gray and Scott).
class simulation : public scene {
public:
    simulation() : scene(240, "frame"), food_(pixels().size(), 1.0f), coral_(pixels().size(), 0.0f)
    {
        std::mt19937 random(11);
        for (int seed = 0; seed < 32; ++seed) {
            const int left = int(random() % width), top = int(random() % height);
            for (int y = top; y < top + 6; ++y)
                for (int x = left; x < left + 6; ++x)
                    coral_[at(x % width, y % height)] = 0.6f;
        }
        show();
    }

protected:
    bool work() override
    {
        for (int count = 0; count < 5; ++count)
            if (!react())
                return false;
        return show();
    }

private:
    bool react()
    {
        dcc::poller cancelled;
        next_food_.resize(food_.size());
        next_coral_.resize(coral_.size());
        for (int y = 0; y < height; ++y) {
            if (cancelled())
                return false;
            for (int x = 0; x < width; ++x) {
                const std::size_t here = at(x, y);
                const float food = food_[here], coral = coral_[here];
                const float eaten = food * coral * coral;
                next_food_[here] = food + 0.20f * (around(food_, x, y) - 4.0f * food) - eaten +
                                   0.0545f * (1.0f - food);
                next_coral_[here] = coral + 0.10f * (around(coral_, x, y) - 4.0f * coral) + eaten -
                                    (0.0545f + 0.062f) * coral;
            }
        }
        food_.swap(next_food_);
        coral_.swap(next_coral_);
        return true;
    }

    bool show()
    {
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
                const float amount = std::clamp(3.0f * coral_[at(x, y)], 0.0f, 1.0f);
                paint(x, y, 0.07f + 0.93f * amount, 0.16f + 0.42f * amount, 0.30f + 0.12f * amount);
            }
        return true;
    }

    field food_, coral_, next_food_, next_coral_;
};

} // namespace scenes
