"""The variables of the environment that a process of kfpipe's may have, whatever the developer's own say."""

from __future__ import annotations

import os


def neutral() -> dict[str, str]:
    """This process's variables without any that kfpipe reads; a task that the list does not show soon is not there."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("DASHSCOPE_", "KFPIPE_"))}
    return {**kept, "KFPIPE_LIST_PATIENCE": "0.5"}
