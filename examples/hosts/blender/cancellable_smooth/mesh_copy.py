"""A copy of the vertices and edges of a mesh. Any thread may work on it."""

import bpy
import numpy


class MeshError(Exception):
    """The mesh cannot be smoothed, or cannot be written back any more. The text says why."""


def _mesh(name):
    found = bpy.data.objects.get(name)
    if found is None or found.type != "MESH":
        raise MeshError(f"there is no mesh object {name!r}")
    if found.mode != "OBJECT":
        raise MeshError(f"{name!r} is in {found.mode} mode: leave it first")
    mesh = found.data
    if mesh.library is not None:
        raise MeshError(f"{name!r} is linked from {mesh.library.filepath!r}: make it local first")
    if mesh.shape_keys is not None:
        raise MeshError(f"{name!r} has shape keys, which hold its positions: apply them first")
    return mesh


def _values(collection, attribute, width, kind):
    values = numpy.empty(width * len(collection), kind)
    collection.foreach_get(attribute, values)
    return values


class MeshCopy:
    """A copy that is made and written back on the main thread. In between it refers to nothing of Blender.

    It knows the object by its name, because an undo, or opening another file, frees the object.
    """

    def __init__(self, name):
        mesh = _mesh(name)
        self.name = name
        self.positions = _values(mesh.vertices, "co", 3, numpy.float32)
        self.edges = _values(mesh.edges, "vertices", 2, numpy.int32)
        self._before = self.positions.copy()

    def write_back(self):
        """Writes the positions into the mesh. MeshError: the mesh was changed after the copy was made."""
        mesh = _mesh(self.name)
        if not (
            numpy.array_equal(_values(mesh.vertices, "co", 3, numpy.float32), self._before)
            and numpy.array_equal(_values(mesh.edges, "vertices", 2, numpy.int32), self.edges)
        ):
            raise MeshError(f"{self.name!r} was changed meanwhile, so it is left as it is now")
        mesh.vertices.foreach_set("co", self.positions)
        mesh.update()
