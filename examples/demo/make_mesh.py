"""Makes scan.obj, the demo's mesh: a lumpy torus under the noise of a bad scanner.

Blender makes it, so that the demo reads a file that a DCC has written. The result is always the same. To make
it again, with PyPI's `bpy` 4.5 (Python 3.11):

    python3.11 -m venv target/bpy && target/bpy/bin/pip install bpy==4.5.*
    target/bpy/bin/python examples/demo/make_mesh.py
"""

import pathlib
import random

import bpy

OUTPUT = pathlib.Path(__file__).with_name("scan.obj")
AROUND_RING, AROUND_TUBE = 180, 90  # 16,200 vertices, 32,400 triangles
LUMPS = 0.35  # height of the lumps that smoothing should keep
NOISE = 0.012  # standard deviation of the noise that it should take away


def lumpy_torus():
    bpy.ops.mesh.primitive_torus_add(
        major_segments=AROUND_RING, minor_segments=AROUND_TUBE, major_radius=1.0, minor_radius=0.45
    )
    scan = bpy.context.active_object
    scan.name = "scan"
    clouds = bpy.data.textures.new("lumps", type="CLOUDS")
    clouds.noise_scale = 0.6
    displace = scan.modifiers.new("lumps", type="DISPLACE")
    displace.texture = clouds
    displace.texture_coords = "LOCAL"
    displace.strength = LUMPS
    scan.modifiers.new("triangles", type="TRIANGULATE")
    for modifier in list(scan.modifiers):
        bpy.ops.object.modifier_apply(modifier=modifier.name)
    return scan


def add_scanner_noise(scan):
    rng = random.Random(7)
    normals = [vertex.normal.copy() for vertex in scan.data.vertices]
    for vertex, normal in zip(scan.data.vertices, normals):
        vertex.co += normal * rng.gauss(0.0, NOISE)


def export(scan):
    bpy.ops.object.select_all(action="DESELECT")
    scan.select_set(True)
    bpy.ops.wm.obj_export(
        filepath=str(OUTPUT),
        export_selected_objects=True,
        export_uv=False,
        export_normals=False,
        export_materials=False,
    )


def keep_four_decimals():
    """Rounds to the precision of a scanner, which also makes the file a third smaller."""
    lines = []
    for line in OUTPUT.read_text().splitlines():
        if line.startswith("v "):
            line = "v " + " ".join(f"{round(float(number), 4) + 0.0:.4f}" for number in line.split()[1:4])
        lines.append(line)
    OUTPUT.write_text("\n".join(lines) + "\n")


bpy.ops.wm.read_factory_settings(use_empty=True)
torus = lumpy_torus()
add_scanner_noise(torus)
export(torus)
keep_four_decimals()
mesh = torus.data
print(f"{OUTPUT.name}: {len(mesh.vertices)} vertices, {len(mesh.polygons)} triangles")
