"""Shows: a Blender operator with a native loop that Esc stops, and an MCP server inside Blender whose clients
can stop it, too. ../README.md says how to build, install and try it.

A user starts operator.py, an agent calls mcp_server.py. main_thread.py brings the work of other threads to
Blender's main thread, the only one that may touch its data.
"""

import os
import sys

# Blender 4.2 and later run this as a legacy add-on. An extension may bring native libraries only in wheels,
# and cannot be installed in earlier versions.
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
# All add-ons of a process share one dcc_cancel, so it is imported from sys.path and not as a part of this
# add-on.
if LIB not in sys.path:
    sys.path.append(LIB)

from . import main_thread, mcp_server, operator  # noqa: E402


def register():
    main_thread.start()
    operator.register()
    mcp_server.register()


def unregister():
    # The server and the operators may wait for the main thread's queue, so the queue is stopped last.
    mcp_server.unregister()
    main_thread.stop()
    operator.unregister()
