"""What people look at and hand over: footage of each shot, the timeline, and its formats."""
