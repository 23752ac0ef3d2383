"""A faithful replacement for the service, on loopback: its API, its limits, its clips, its bill and its failures.

Written from the API reference alone; nothing in here knows the client.
"""

from kfpipe.emulator.account import Account
from kfpipe.emulator.billing import Bill, Charge
from kfpipe.emulator.clock import Clock
from kfpipe.emulator.faults.matching import Fault
from kfpipe.emulator.faults.script import FaultsInvalid
from kfpipe.emulator.faults.script import load as load_faults
from kfpipe.emulator.journal.folder import FolderInUse
from kfpipe.emulator.model_file import ModelsInvalid, shelf
from kfpipe.emulator.server import Emulator, serve
from kfpipe.emulator.settings import MODELS, FilmStyle, OverLimit, Settings, Standing, Switch

REGIONS = shelf().models
"""The emulator's own models by name, of each region; the region `emulator` has them all."""

__all__ = [
    "MODELS",
    "REGIONS",
    "Account",
    "Bill",
    "Charge",
    "Clock",
    "Emulator",
    "Fault",
    "FaultsInvalid",
    "FilmStyle",
    "FolderInUse",
    "ModelsInvalid",
    "OverLimit",
    "Settings",
    "Standing",
    "Switch",
    "load_faults",
    "serve",
]
