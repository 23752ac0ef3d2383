"""What the Tab key is answered: the commands and options, and the names in a manifest."""
