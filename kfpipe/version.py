"""The version of kfpipe, in one place; pyproject.toml has the same."""

from typing import Final

__version__: Final = "0.2.0"
