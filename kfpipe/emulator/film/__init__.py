"""Clips: from two pictures to an H.264 film with sound, the same bytes for the same request."""
