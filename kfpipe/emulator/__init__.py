"""A faithful stand-in for the service, on loopback: its API, its limits, its clips, its bill and its moods.

Written from the API reference alone; nothing in here knows the client.
"""

from kfpipe.emulator.billing import Bill, Charge
from kfpipe.emulator.clock import Clock
from kfpipe.emulator.faults import Fault
from kfpipe.emulator.home import FolderInUse
from kfpipe.emulator.script import FaultsInvalid
from kfpipe.emulator.script import load as load_faults
from kfpipe.emulator.server import Emulator, serve
from kfpipe.emulator.settings import FilmStyle, OverLimit, Settings, Standing
from kfpipe.emulator.world import World

__all__ = [
    "Bill",
    "Charge",
    "Clock",
    "Emulator",
    "Fault",
    "FaultsInvalid",
    "FilmStyle",
    "FolderInUse",
    "OverLimit",
    "Settings",
    "Standing",
    "World",
    "load_faults",
    "serve",
]
