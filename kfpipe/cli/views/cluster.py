"""A cluster, as lines for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfpipe.cli.output.amounts import counted


def status(found: Mapping[str, Any]) -> list[str]:
    """Who is at work, what has become of requests, what each account allows."""
    workers, requests = found["workers"], found["requests"]
    lines = [counted(len(workers), "worker")]
    lines += [f"  {_worker(one)}" for one in workers]
    states = [f"{count} {state}" for state, count in requests.items() if count]
    lines.append(f"requests: {', '.join(states) or 'none'}; {found['waiting']} waiting")
    return [*lines, *limits(found["accounts"])]


def _worker(one: Mapping[str, Any]) -> str:
    facts = [f"kfpipe {one['version']}", f"{counted(one['in_progress'], 'task')} in progress"]
    facts += [f"store {one['store']}"] if one["store"] else []
    facts += ["draining"] if one["draining"] else []
    return f"{one['worker']}: {', '.join(facts)}"


def limits(accounts: Sequence[Mapping[str, Any]]) -> list[str]:
    """What holds for each account."""
    return [line for one in accounts for line in _account(one)]


def _account(one: Mapping[str, Any]) -> list[str]:
    own = one["set_by_hand"]
    told = [
        f"{name.replace('_', ' ')} {value:g}{' (set by hand)' if name in own else ''}"
        for name, value in one["limits"].items()
    ]
    return [
        f"account {one['account']}: {one['name']}, {one['region']}",
        f"  {', '.join(told) or 'the limits of the catalogue'}",
        f"  {counted(one['in_progress'], 'task')} in progress, {one['waiting']} waiting",
    ]
