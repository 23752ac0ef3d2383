"""The YAML language server that many editors use, spoken to as an editor does: JSON-RPC over its standard streams."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final

CURSOR: Final = "|"
"""Where the cursor stands in a text."""

_CAPABILITIES: Final = {
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
        "hover": {"contentFormat": ["markdown"]},
    },
    "workspace": {"configuration": True},
}


class LanguageServer:
    """A running server for a folder. `settings` are as in an editor's file; nothing comes from the network."""

    def __init__(self, program: Path, folder: Path, settings: Mapping[str, Any]) -> None:
        words = ["node", str(program), "--stdio"]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._folder = {"uri": folder.as_uri(), "name": folder.name}
        named = {name.removeprefix("yaml."): value for name, value in settings.items()}
        self._settings = {"schemaStore": {"enable": False}, **named}
        self._asked = 0
        self._diagnostics: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> LanguageServer:
        about = {"rootUri": self._folder["uri"], "workspaceFolders": [self._folder], "capabilities": _CAPABILITIES}
        self.ask("initialize", {"processId": os.getpid(), **about})
        self._send({"method": "initialized", "params": {}})
        while self._receive().get("method") != "workspace/configuration":  # it asks for the settings first
            pass
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, uri: str, text: str) -> None:
        """Show the server a text that it has not seen under this name."""
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def diagnostics(self, uri: str) -> list[dict[str, Any]]:
        """What is wrong with an open text; the server tells it on its own, a moment later."""
        while uri not in self._diagnostics:
            self._receive()
        return self._diagnostics[uri]

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """The answer to a request."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._asked and "method" not in message:
                return message["result"]

    def _receive(self) -> dict[str, Any]:
        """The next message; what the server wants to know itself is answered."""
        stream = self._process.stdout
        assert stream is not None
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(stream.read(length))
        match message:
            case {"method": "textDocument/publishDiagnostics", "params": params}:
                self._diagnostics[params["uri"]] = params["diagnostics"]
            case {"method": "workspace/configuration", "id": asked, "params": {"items": items}}:
                sections = [self._settings if item["section"] == "yaml" else None for item in items]
                self._send({"id": asked, "result": sections})
            case {"method": _, "id": asked}:
                self._send({"id": asked, "result": None})
        return message

    def _send(self, message: Mapping[str, Any]) -> None:
        stream = self._process.stdin
        assert stream is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        stream.flush()


class Sheet:
    """A manifest in an editor. The tests put shots of their own in place of those in the file."""

    def __init__(self, server: LanguageServer, path: Path) -> None:
        self._server = server
        self._path = path
        self._text = path.read_text("utf-8")
        self._head = self._text.partition("shots:\n")[0]
        self._shown = count(1)

    def complaints(self, ending: str | None = None) -> list[str]:
        """What is underlined, in the file or with another ending of it: the marked text and the reason."""
        text = self._text if ending is None else self._head + ending
        found = self._server.diagnostics(self._show(text))
        return [f"{_marked(text, one['range'])}: {one['message']}" for one in found]

    def offers(self, ending: str) -> dict[str, dict[str, Any]]:
        """What can be chosen at the cursor, by label."""
        return {item["label"]: item for item in self._at_cursor("textDocument/completion", ending)["items"]}

    def help(self, ending: str) -> str:
        """What is shown about the word under the cursor."""
        shown: str = self._at_cursor("textDocument/hover", ending)["contents"]["value"]
        return shown

    def _at_cursor(self, method: str, ending: str) -> Any:
        before, after = (self._head + ending).split(CURSOR)
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return self._server.ask(method, {"textDocument": {"uri": self._show(before + after)}, "position": position})

    def _show(self, text: str) -> str:
        """The address of a new file with this text, beside the manifest."""
        uri = self._path.with_stem(f"{self._path.stem}-{next(self._shown)}").as_uri()
        self._server.open(uri, text)
        return uri


def _marked(text: str, part: Mapping[str, Any]) -> str:
    start, end = part["start"], part["end"]
    return text.splitlines()[start["line"]][start["character"] : end["character"]]
