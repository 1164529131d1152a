// Reads and writes the part of Wavefront OBJ that the demo needs: positions and faces.
#pragma once

#include <stdexcept>
#include <string>

#include "mesh.hpp"

namespace demo {

// The file cannot be used. what() says the file, the line and what is wrong there.
class obj_error : public std::runtime_error {
public:
    using runtime_error::runtime_error;
};

// Cuts polygons into triangles. Ignores normals, texture coordinates, groups, materials and curves.
mesh read_obj(const std::string &path);

void write_obj(const std::string &path, const mesh &written);

} // namespace demo
