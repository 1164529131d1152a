// Wavefront OBJ, as far as the demo needs it: positions and faces.
#pragma once

#include <stdexcept>
#include <string>

#include "mesh.hpp"

namespace demo {

// The file cannot be used; what() names file, line and what is wrong.
class obj_error : public std::runtime_error {
public:
    using runtime_error::runtime_error;
};

// Cuts polygons into triangles; ignores normals, texture coordinates, groups, materials, curves.
mesh read_obj(const std::string &path);

void write_obj(const std::string &path, const mesh &written);

} // namespace demo
