"""kfpipe renders video shot lists that live in git: each clip paid for once, none lost."""

__version__ = "0.1.0"
