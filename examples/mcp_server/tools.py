"""The tools of the server. Nothing here depends on an SDK."""

_LABEL = {"type": "string", "description": "names the call for last_partial_result"}


def _schema(required, **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


class Tools:
    """The list of the tools, and their calls."""

    listed = (
        (
            "long_execution",
            "Bakes `count` passes in the native plugin; reports progress; can be cancelled.",
            _schema(["count"], count={"type": "integer", "minimum": 0}, label=_LABEL),
        ),
        (
            "short_execution",
            "Bakes a few passes on a topic.",
            _schema(["topic"], topic={"type": "string"}),
        ),
        (
            "process_large_file",
            "The CRC-32 of a file; reports progress; can be cancelled.",
            _schema(["path"], path={"type": "string"}, label=_LABEL),
        ),
        (
            "last_partial_result",
            "What the last cancelled call had done, or the last one with a label.",
            _schema([], label=_LABEL),
        ),
        ("open_resources", "How many files and buffers the plugin has in use.", _schema([])),
    )

    def __init__(self, plugin, calls):
        self._plugin = plugin
        self._calls = calls

    async def call(self, name, arguments, session, request_id, meta, report):
        """Calls a tool, and gives its result for JSON. `session()` gives the session of the connection."""
        if name == "last_partial_result":
            partial = await self._calls.last_partial_result(arguments.get("label"))
            return {"found": partial is not None, **(partial or {})}
        if name == "open_resources":
            return {"open": self._plugin.open_resources()}
        native = self._native(name, arguments)
        with session() as found:
            outcome = await self._calls.run(
                found, request_id, meta, name, arguments.get("label"), native, report
            )
        return {"done": outcome.done, "asked": outcome.asked, "result": str(outcome.result)}

    def _native(self, name, arguments):
        if name == "long_execution":
            return lambda: self._plugin.long_execution(arguments["count"])
        if name == "short_execution":
            return lambda: self._plugin.short_execution(arguments["topic"])
        if name == "process_large_file":
            return lambda: self._plugin.process_large_file(arguments["path"])
        known = ", ".join(tool[0] for tool in self.listed)
        raise ValueError(f"no tool {name!r}: call one of {known}")
