"""What keeps records and clips in order: one module for each of `cancel`, `reconcile`, `verify`, `prune`, `doctor`."""
