"""Every kind of answer in every phase: what kfpipe does with it, how the run ends, and what a person reads.

Each phase is a golden file, whose expected part is a table of `docs/service-answers.md`. To write them again:
`python -m tests.provider.test_service_answers`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from kfpipe.catalogue import shipped
from kfpipe.cli.output import messages
from kfpipe.cli.output.streams import plain
from kfpipe.cli.views.progress import Progress, transition
from kfpipe.domain import NO_REASON, LocalMedium, MediaInput, MediaRole, RemoteMedium, TaskStatus
from kfpipe.errors import AccountRefused, KfpipeError, ServiceRefused, ServiceUnclear
from kfpipe.events import Slowed, TakeFailed, TakePostponed
from kfpipe.provider import TaskReport
from kfpipe.provider.advice import advice
from kfpipe.provider.client import DashScope
from kfpipe.provider.codes import verdict
from kfpipe.runner.retry import may_pass
from tests.provider.conftest import KEY, Stub, render_request, reply
from tests.support import golden

CASES: Final = golden.load(Path(__file__).parent / "answers")

STILL: Final = b"a still"
LOCAL: Final = LocalMedium(
    path="b.png",
    sha256=hashlib.sha256(STILL).hexdigest(),
    size_bytes=len(STILL),
    mime_type="image/png",
    width_px=640,
    height_px=360,
)
MEDIA: Final = (
    MediaInput(role=MediaRole.FIRST_FRAME, medium=RemoteMedium(url="https://example.com/a.png?sig=1", digest="d")),
    MediaInput(role=MediaRole.LAST_FRAME, medium=LOCAL),
)
URLS: Final = {MediaRole.FIRST_FRAME: "https://example.com/a.png?sig=1", MediaRole.LAST_FRAME: "oss://folder/b.png"}

LEFT: Final = {
    "query": "the service gives no status of its task",
    "list": "its task could not be looked up",
    "policy": "its stills could not be uploaded",
    "upload": "its stills could not be uploaded",
    "download": "its clip could not be downloaded",
}
BEFORE: Final = Progress(started_s=0)
Met = tuple[str, str, str]
"""What kfpipe does, the exit code as far as this answer decides it, and what a person reads."""


async def answered(phase: str, row: dict[str, Any], stub: Stub, folder: Path) -> str:
    """A row of the table: the answer, and what the real client makes of it."""
    body = row["body"].encode() if isinstance(row["body"], str) else row["body"]
    answer = reply(row["status"], body)
    permit = {"upload_host": stub.origin, "upload_dir": "folder", "expire_in_seconds": 300}
    stub.script = [reply(200, {"data": permit}), answer] * 2 if phase == "upload" else [answer]
    client = DashScope(
        base_url=stub.base_url,
        api_key=KEY,
        region="emulator",
        catalogue=shipped(),
        project=folder,
        uploads_file=folder / f"{len(stub.heard)}.jsonl",
    )
    async with client:
        try:
            does, code, read = _good(phase, await _asked(phase, client, stub))
        except KfpipeError as trouble:
            does, code, read = _bad(phase, trouble)
    said = body.decode() if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False)
    cells = (row["status"], f"`{plain(' '.join(said.split()))}`" if said else "nothing", does, code, plain(read))
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |\n"


async def _asked(phase: str, client: DashScope, stub: Stub) -> Any:
    match phase:
        case "submit":
            return await client.submit(render_request(), URLS)
        case "query":
            return await client.look("t1")
        case "list":
            return await client.list_tasks("wan2.7-i2v", page=1)
        case "cancel":
            return await client.cancel("t1")
        case "policy" | "upload":
            return await client.media_urls(render_request(LOCAL))
        case _:
            async with client.download(f"{stub.origin}/clip.mp4"):
                return None


def _good(phase: str, found: Any) -> Met:
    """What becomes of an answer that is none of the client's refusals: of a task that has ended, for the most part."""
    if not isinstance(found, TaskReport):
        return "goes on: the file is there already", "", ""
    match found.status:
        case TaskStatus.SUCCEEDED:
            does = "asks again for minutes, then puts the task down as billed: nothing is rendered again by itself"
            return does, "1", f"left for the next run: task {found.task_id} succeeded and was billed, but …"
        case TaskStatus.UNKNOWN:
            return "asks again: it settles nothing for 24 h", "1", "left for the next run: …"
        case TaskStatus.CANCELED:
            return "puts it down as cancelled; nothing is owed", "1", "failed: kfpipe.Canceled: …"
        case _:
            code, message = found.code or NO_REASON, found.message or "the service gave no reason"
            return _failed(code, message, found.request_id)


def _failed(code: str, message: str, request_id: str | None) -> Met:
    again = verdict(code, message).may_pass
    event = TakeFailed(take_id="kitten", code=code, message=message, request_id=request_id, retried=again)
    hint = advice(code, message, "kitten", MEDIA)
    does = "renders again, up to `attempts`; nothing was billed" if again else "leaves it to you; nothing was billed"
    read = transition(event, BEFORE) or ""
    return does, "1 in the end" if again else "1", read if hint is None else f"{read}: {hint}"


def _bad(phase: str, trouble: KfpipeError) -> Met:
    match trouble:
        case AccountRefused():
            (problem,) = messages.problems(trouble)
            does = "nothing is owed" if phase == "submit" else "tasks under way stay on record"
            return f"ends the run; {does}", "4", " fix: ".join((problem.what, problem.fix or ""))
        case ServiceUnclear() if phase == "submit":
            return "looks for the task; never sends it again before it is proven absent", "", str(trouble)
        case ServiceRefused() if phase == "submit" and may_pass(trouble):
            event = Slowed(what="submissions", wait_s=1, reason=str(trouble))
            return "sends it again later; nothing is owed", "", transition(event, BEFORE) or ""
        case ServiceRefused() if phase == "submit":
            return _failed(trouble.code, trouble.message, trouble.request_id)
        case ServiceRefused() | ServiceUnclear() if phase == "cancel":
            does = "asks again, then looks at the task" if may_pass(trouble) else "looks at the task"
            return does, "", str(trouble)
        case ServiceRefused() | ServiceUnclear():
            again = phase == "download" or may_pass(trouble)
            event = TakePostponed(take_id="kitten", reason=f"{LEFT[phase]}: {trouble}")
            does = "asks again; then leaves it to the next run" if again else "leaves it to the next run"
            return does, "1 in the end" if again else "1", transition(event, BEFORE) or ""
    raise trouble


async def table(phase: str, stub: Stub, folder: Path) -> str:
    (folder / "b.png").write_bytes(STILL)
    rows = yaml.safe_load(CASES[phase].source)
    return "".join([await answered(phase, row, stub, folder) for row in rows])


@pytest.mark.anyio
@pytest.mark.parametrize("phase", CASES)
async def test_every_answer_of_the_service_is_met_as_the_table_says(phase: str, stub: Stub, tmp_path: Path) -> None:
    assert await table(phase, stub, tmp_path) == CASES[phase].expected


def main() -> None:
    for phase, case in CASES.items():
        stub = Stub()
        with tempfile.TemporaryDirectory() as folder:
            case.write(asyncio.run(table(phase, stub, Path(folder))))
        stub.close()


if __name__ == "__main__":
    main()
