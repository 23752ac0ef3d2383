"""The commands, a module for each verb; `kfpipe.cli.group` loads the one that is called."""
