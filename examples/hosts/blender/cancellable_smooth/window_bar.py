"""How far a job is, where the user of a window looks: at the mouse pointer and in the status bar."""

import bpy


class WindowBar:
    """Of one job, on the main thread. It keeps nothing of Blender's, which another file would free."""

    def __init__(self, job):
        self._job = job

    def begin(self, manager):
        manager.progress_begin(0, 100)

    def show(self, manager, workspace):
        manager.progress_update(100 * self._job.fraction)
        done, total, _ = self._job.progress
        workspace.status_text_set(f"{self._job.label}: {done} of {total} passes   Esc: Cancel")

    def end(self, manager):
        """Takes back what the windows show of it."""
        manager.progress_end()
        for workspace in bpy.data.workspaces:
            workspace.status_text_set(None)
