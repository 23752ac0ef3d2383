"""What the account remembers on disk, so that it survives its own process."""
