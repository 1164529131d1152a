"""Shows how far a job is where the user looks: at the mouse pointer and in the status bar."""

import bpy


class WindowBar:
    """The bar of one job, for the main thread. It keeps no object of Blender; another file would free it."""

    def __init__(self, job):
        self._job = job

    def begin(self, manager):
        manager.progress_begin(0, 100)

    def show(self, manager, workspace):
        manager.progress_update(100 * self._job.fraction)
        done, total, _ = self._job.progress
        workspace.status_text_set(f"{self._job.label}: {done} of {total} passes   Esc: Cancel")

    def end(self, manager):
        """Removes the bar from the windows."""
        manager.progress_end()
        for workspace in bpy.data.workspaces:
            workspace.status_text_set(None)
