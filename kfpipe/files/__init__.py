"""Bytes on disk: durable writes, text and JSON with places, what is remembered of files, shipped schemas, git."""
