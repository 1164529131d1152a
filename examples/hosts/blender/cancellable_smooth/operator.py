"""The operator. It is modal in a window, and blocks in scripts and in background mode."""

import bpy

from . import main_thread, native
from .mesh_copy import MeshCopy, MeshError
from .window_bar import WindowBar

import dcc_cancel

# How often the operator looks how far its job is, in seconds.
LOOK_SECONDS = 1 / 30

# The modal operators that run in windows now.
running = []


def caller_id(name):
    """The id by which `main_thread.ui.find` finds the job that smooths an object in a window."""
    return f"smooth {name}"


class OBJECT_OT_cancellable_smooth(bpy.types.Operator):
    """Smooth the mesh of the active object. Esc stops it and leaves the mesh as it was"""

    bl_idname = "object.cancellable_smooth"
    bl_label = "Smooth (cancellable)"
    # Without REGISTER, because "Adjust Last Operation" would run it again, and block, at each touch of a
    # slider.
    bl_options = {"UNDO"}

    passes: bpy.props.IntProperty(name="Passes", default=1000, min=1)
    factor: bpy.props.FloatProperty(name="Factor", default=0.5, min=0.0, max=1.0)

    @classmethod
    def poll(cls, context):
        active = context.active_object
        return active is not None and active.type == "MESH" and active.mode == "OBJECT"

    # Blender calls this in a window. The copy of the mesh is smoothed on another thread, so Blender stays
    # alive.

    def invoke(self, context, event):
        try:
            self._copy = MeshCopy(context.active_object.name)
            self._call = main_thread.ui.post(
                native.smooth,
                self._copy.positions,
                self._copy.edges,
                self.passes,
                self.factor,
                label=f"Smooth {self._copy.name}",
                caller_id=caller_id(self._copy.name),
                any_thread=True,
            )
        except dcc_cancel.DuplicateError:
            self.report({"ERROR"}, f"{self._copy.name!r} is being smoothed")
            return {"CANCELLED"}
        except (MeshError, dcc_cancel.OverloadedError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        manager = context.window_manager
        self._bar = WindowBar(self._call.job)
        self._bar.begin(manager)
        self._timer = manager.event_timer_add(LOOK_SECONDS, window=context.window)
        manager.modal_handler_add(self)
        running.append(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type == "ESC" and event.value == "PRESS":
            self._call.cancel("the user pressed Esc")
            return {"RUNNING_MODAL"}
        if event.type == "TIMER":
            is_over = self._call.done()
            self._bar.show(context.window_manager, context.workspace)  # once more after its end
            if is_over:
                self.leave(context.window_manager)
                return self._end()
        return {"PASS_THROUGH"}

    def cancel(self, context):
        """Blender calls it when it ends the operator: a window was closed, or another file was opened."""
        self._call.cancel("Blender ended the operator")
        self.leave(context.window_manager)

    def leave(self, manager):
        running.remove(self)
        manager.event_timer_remove(self._timer)
        self._bar.end(manager)

    def _end(self):
        if self._call.cancelled():
            self.report({"WARNING"}, f"{self._call.job.label}: {self._call.job.reason}")
            return {"CANCELLED"}
        try:
            # The job has ended, so a cancel from here on is answered with "too late".
            self._call.result()
            self._copy.write_back()
        except (MeshError, RuntimeError, dcc_cancel.DccCancelError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    # Scripts call this. A script that makes a token current before the call can cancel it from any thread.

    def execute(self, context):
        try:
            copy = MeshCopy(context.active_object.name)
            parent = dcc_cancel.current_cancel_token()
            with dcc_cancel.Job(f"Smooth {copy.name}", parent=parent) as job:
                native.smooth(copy.positions, copy.edges, self.passes, self.factor)
                # Blender keeps the undo step only if the operator finishes, so mesh and step go together.
                with job.commit():
                    copy.write_back()
        except dcc_cancel.DccMcpCancelledError as error:
            self.report({"WARNING"}, f"Smooth {copy.name}: {error}")
            return {"CANCELLED"}
        except (MeshError, RuntimeError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def _menu_entry(menu, context):
    column = menu.layout.column()  # a column, so that the setting does not reach other entries
    column.operator_context = "INVOKE_DEFAULT"
    column.operator(OBJECT_OT_cancellable_smooth.bl_idname)


def register():
    bpy.utils.register_class(OBJECT_OT_cancellable_smooth)
    bpy.types.VIEW3D_MT_object.append(_menu_entry)


def unregister():
    # Blender drops a modal operator with its class without a call of `cancel`.
    for operator in list(running):
        operator.leave(bpy.context.window_manager)
    bpy.types.VIEW3D_MT_object.remove(_menu_entry)
    bpy.utils.unregister_class(OBJECT_OT_cancellable_smooth)
