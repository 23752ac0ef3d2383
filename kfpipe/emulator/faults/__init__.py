"""Scripted faults: the kinds of faults, when one happens, and the file that lists them."""
