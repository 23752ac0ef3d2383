"""The account book: what all runs of one user know of each other on this machine. A help, never the record."""
