"""An MCP server inside Blender, with version 2 of the official SDK. Install that by `pip install mcp` into
the folder of Blender's Python, or anywhere on its path.

The server speaks streamable HTTP on the loopback only, because standard output belongs to Blender. The event
loop of the SDK has a thread of its own, and so has each call, which may wait. Only work that touches
Blender's data goes to the main thread. When a client cancels, the SDK cancels the call's task, the task
cancels the call's job, and the native loop stops at its next poll.
"""

import asyncio
import socket
import threading
from typing import Annotated

import bpy

from . import main_thread, native
from .mesh_copy import MeshCopy, MeshError

import dcc_cancel

# If the main thread is busy for longer, for instance with a render, the call fails.
MAIN_THREAD_SECONDS = 30
# How often the client may be told of progress, in seconds.
REPORT_SECONDS = 0.05

running = None


def _smooth(ui, job, name, passes, factor):
    """The work of the tool. It runs on a thread of its own."""
    # The units are percent of the bar. The native loop fills the step in which it runs, and knows nothing of
    # the others.
    with job, dcc_cancel.progress(100) as bar:
        on_main_thread = {"parent": job, "timeout": MAIN_THREAD_SECONDS}
        with bar.step(5, "Copy"):
            copy = ui.post_and_wait(MeshCopy, name, **on_main_thread)
        with bar.step(90, "Smooth"):
            native.smooth(copy.positions, copy.edges, passes, factor)
        with bar.step(5, "Write"):
            ui.post_and_wait(_write_back, job, copy, **on_main_thread)


def _write_back(job, copy):
    # Either the mesh and its undo step are written, or neither. A client that cancels after this point is
    # told that it is too late.
    with job.commit():
        copy.write_back()
        if not bpy.app.background:
            # Adds the undo step that an operator with UNDO gets from Blender.
            with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
                bpy.ops.ed.undo_push(message=f"Smooth {copy.name}")


def _application(ui, end):
    # Imported here, so that the operator works without the SDK as well.
    import anyio
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from pydantic import Field

    server = MCPServer("blender-cancellable-smooth", log_level="WARNING")

    @server.tool()
    async def smooth(
        object_name: str,
        context: Context,
        passes: Annotated[int, Field(ge=1, lt=2**63)] = 1000,
        factor: Annotated[float, Field(ge=0, le=1)] = 0.5,
    ) -> str:
        """Smooths the mesh of an object. Reports progress; cancelled, it leaves the mesh as it was."""
        job = dcc_cancel.Job(f"Smooth {object_name}", parent=end)
        worker = asyncio.ensure_future(
            asyncio.to_thread(_smooth, ui, job, object_name, passes, factor)
        )
        try:
            told = 0.0
            while not worker.done():
                await asyncio.wait({worker}, timeout=REPORT_SECONDS)
                fraction = job.fraction
                if fraction > told and not worker.done():
                    await context.report_progress(fraction, 1.0, job.progress.message)
                    told = fraction
            worker.result()
            await context.report_progress(1.0, 1.0)
        except dcc_cancel.DccMcpCancelledError as error:
            raise ToolError(f"cancelled: {job.reason}") from error
        except (MeshError, RuntimeError, dcc_cancel.DccCancelError) as error:
            raise ToolError(str(error)) from error
        finally:
            if not worker.done():
                job.cancel("the MCP client cancelled the call")
                # Wait for the native loop, so that nothing of the call goes on after its end.
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({worker})
                worker.exception()  # marks its error as seen
        return f"{object_name} was smoothed {passes} times"

    return server.streamable_http_app()


class McpServer:
    """A server that runs on a thread of its own."""

    def __init__(self, ui, port):
        import uvicorn

        self._end = dcc_cancel.CancelToken()
        config = uvicorn.Config(
            _application(ui, self._end), log_level="warning", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/mcp"
        self._thread = threading.Thread(target=self._serve, name="MCP server", daemon=True)
        self._thread.start()

    def _serve(self):
        self._server.run(sockets=[self._socket])

    def stop(self):
        """Ends the server, and cancels its calls."""
        self._end.cancel("the server ends")
        self._server.should_exit = True
        self._thread.join(main_thread.END_SECONDS)


class WM_OT_cancellable_smooth_serve(bpy.types.Operator):
    """Serve the tool "smooth" to MCP clients of this computer"""

    bl_idname = "wm.cancellable_smooth_serve"
    bl_label = "Serve MCP clients"

    port: bpy.props.IntProperty(name="Port", default=8000, min=0, max=65535)

    def execute(self, context):
        global running
        if running is None:
            try:
                running = McpServer(main_thread.ui, self.port)
            except (ImportError, OSError) as error:
                self.report({"ERROR"}, f"cannot serve MCP clients: {error}")
                return {"CANCELLED"}
        self.report({"INFO"}, running.url)
        return {"FINISHED"}


def _menu_entry(menu, context):
    menu.layout.operator(WM_OT_cancellable_smooth_serve.bl_idname)


def register():
    bpy.utils.register_class(WM_OT_cancellable_smooth_serve)
    bpy.types.VIEW3D_MT_object.append(_menu_entry)


def unregister():
    global running
    bpy.types.VIEW3D_MT_object.remove(_menu_entry)
    bpy.utils.unregister_class(WM_OT_cancellable_smooth_serve)
    if running is not None:
        running.stop()
        running = None
