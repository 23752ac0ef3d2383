"""HTTP: who is let in, which request is which, and how each answer reads on the wire."""
