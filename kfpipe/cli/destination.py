"""Where the requests of a run would go, and whether they cost anything."""

from __future__ import annotations
