"""How a run ended, told to those who are not at the screen: by Apprise, the extra `kfpipe[notify]`.

Neither the key nor an address is ever part of what is told or logged, and prompts only on request.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

from kfpipe.cli.output import messages, streams
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.views import run as run_view
from kfpipe.errors import ExitCode, KfpipeError, Refused
from kfpipe.events import Event, RunFinished, TakeFailed
from kfpipe.plan.model import Plan

MOST_TAKES: Final = 10
_LONGEST_PROMPT: Final = 300

_ENDINGS: Final = {
    ExitCode.OK: "finished",
    ExitCode.INCOMPLETE: "some takes failed, or are left",
    ExitCode.REFUSED: "refused: something is wrong with the manifest, the lockfile or the command",
    ExitCode.OVER_BUDGET: "stopped by the budget, or for want of consent",
    ExitCode.ACCOUNT: "the account was refused",
    ExitCode.BUG: "stopped by a bug in kfpipe",
    ExitCode.INTERRUPTED: "interrupted; the next run continues",
}


@dataclass(slots=True, kw_only=True)
class Notice:
    """What there is to tell of a run, gathered while it goes on; `code` is how it ends.

    Takes bear the name of their project where there are several; `prompts` are there only where they may be told.
    """

    with_prompts: bool = False
    code: ExitCode = ExitCode.OK
    results: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    prompts: dict[str, str] = field(default_factory=dict)

    def plan(self, plan: Plan, name: str = "") -> None:
        """Note what this plan leaves to a person."""
        self.undecided += [_named(step.take_id, name) for step in plan.undecided]
        if self.with_prompts:
            takes = (step.take for step in plan.steps if step.take is not None)
            self.prompts |= {_named(take.id, name): take.request.prompt for take in takes}

    def hear(self, event: Event, name: str = "", *, is_charged: bool) -> None:
        """Note what an event says of the end."""
        match event:
            case RunFinished():
                self.results.append(_counts(name, event, is_charged=is_charged))
            case TakeFailed(retried=False):
                self.failed.append(_named(event.take_id, name))
            case _:
                pass

    @property
    def text(self) -> str:
        """The whole message."""
        lines = [_ENDINGS[self.code], *self.results]
        for heading, takes in (("failed", self.failed), ("for you to decide", self.undecided)):
            more = len(takes) - MOST_TAKES
            lines += [f"{heading}: {take}{self._prompt(take)}" for take in takes[:MOST_TAKES]]
            lines += [f"{heading}: {more:,} more"] if more > 0 else []
        return "\n".join(lines)

    def _prompt(self, take: str) -> str:
        prompt = streams.plain(self.prompts.get(take, ""))
        cut = f"{prompt[:_LONGEST_PROMPT]}..." if len(prompt) > _LONGEST_PROMPT else prompt
        return f": {cut}" if cut else ""


@contextmanager
def telling(title: str, urls: Sequence[str], *, with_prompts: bool) -> Iterator[Notice]:
    """A notice that is sent to these addresses when the block ends, however it does.

    Raises Refused at once, before anything is spent, without the extra and for an address that is none. What goes
    wrong later is a warning.
    """
    notice = Notice(with_prompts=with_prompts)
    sender = _sender(urls) if urls else None
    try:
        yield notice
    except KfpipeError as error:
        notice.code = messages.exit_code(error)
        raise
    except KeyboardInterrupt:
        notice.code = ExitCode.INTERRUPTED
        raise
    except Exception:
        notice.code = ExitCode.BUG
        raise
    finally:
        if sender is not None:
            _send(sender, title, notice.text)


def _sender(urls: Sequence[str]) -> Any:
    """What sends to all addresses. Raises Refused, and repeats no address: most contain a secret."""
    if find_spec("apprise") is None:
        fix = "install the extra with `pip install 'kfpipe[notify]'`"
        raise Refused.because("--notify", "the library that sends messages is not installed", fix=fix)
    with _quiet():
        import apprise  # slow, and an extra

        sender = apprise.Apprise()
        known = [bool(sender.add(url)) for url in urls]
    for place, is_known in enumerate(known, 1):
        if not is_known:
            what = f"address {place} of {len(urls)} is none that a message can be sent to"
            expected = "an address as Apprise has them, such as mailto://..., slack://... or json://..."
            raise Refused.because("--notify", what, expected=expected)
    return sender


def _send(sender: Any, title: str, text: str) -> None:
    try:
        with _quiet():
            is_sent = sender.notify(title=title, body=text, body_format="text")
    except Exception as error:  # noqa: BLE001  whatever a service's own library raises: the run has ended as it has
        streams.note(f"warning: the notification was not sent ({type(error).__name__})")
        return
    if not is_sent:
        streams.note("warning: the notification was not sent to every address")


@contextmanager
def _quiet() -> Iterator[None]:
    """Apprise logs the addresses that it is given; and it warns of what is its own to change."""
    logging.getLogger("apprise").disabled = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _named(take_id: str, name: str) -> str:
    return f"{name}: {take_id}" if name else take_id


def _counts(name: str, finished: RunFinished, *, is_charged: bool) -> str:
    """`3 clips rendered, 1 failed: USD 0.60`, with the project's name where there are several."""
    others = {
        "failed": finished.failed,
        "under way": finished.under_way,
        "for you to decide": finished.undecided,
        "left for the next run": finished.unfinished,
    }
    told = [f"{counted(finished.rendered, 'clip')} rendered", *(f"{n:,} {word}" for word, n in others.items() if n)]
    return _named(f"{', '.join(told)}: {run_view.bill(finished, is_charged)}", name)
