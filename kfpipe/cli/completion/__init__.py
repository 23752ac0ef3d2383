"""Answers to the Tab key: commands and options, and the names in a manifest."""
