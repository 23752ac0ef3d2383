"""All that a command may load, for processes that are forked from one that has loaded it."""

from __future__ import annotations

import os
import pkgutil
from contextlib import suppress
from importlib import import_module

from PIL import Image

import kfpipe
from kfpipe.provider import transport

_LEFT_OUT = ("__main__", "output.collector", "output.spans")
"""The last two are loaded only where OpenTelemetry is switched on."""

Image.init()
for module in pkgutil.walk_packages(kfpipe.__path__, "kfpipe."):
    if not module.name.endswith(_LEFT_OUT):
        import_module(module.name)
transport._trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))  # a tenth of a second a run
for name in ("dbos", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite"):
    with suppress(ImportError):  # a cluster's are an extra; loading them took a second of each of its processes
        import_module(name)
