"""Shows: a Blender operator whose native loop Esc stops, and an MCP server inside Blender whose client
can do the same. ../README.md says how to build, install and try it.

operator.py is what a user starts, mcp_server.py what an agent calls. main_thread.py brings others'
work to the only thread that may touch Blender's data.
"""

import os
import sys

# Blender 4.2 and later run this as a legacy add-on: an extension may bring native libraries only in
# wheels, and does not install in the versions before.
bl_info = {
    "name": "Cancellable smooth",
    "author": "The dcc-cancel project",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "View3D > Object > Smooth (cancellable)",
    "description": "A long native job that Esc, a script or an agent can stop",
    "category": "Mesh",
}

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
# All add-ons of a process share one package, so it is not imported as a part of this one.
if LIB not in sys.path:
    sys.path.append(LIB)

from . import main_thread, mcp_server, operator  # noqa: E402


def register():
    main_thread.start()
    operator.register()
    mcp_server.register()


def unregister():
    # First what may be waiting for the main thread, last what runs there.
    mcp_server.unregister()
    main_thread.stop()
    operator.unregister()
