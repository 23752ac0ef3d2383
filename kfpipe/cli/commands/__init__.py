"""The commands, a module for each; `kfpipe.cli.group` loads the one that is called."""
