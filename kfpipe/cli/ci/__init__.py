"""What a job on GitHub says of a manifest: `event` (what set it off), `annotation`, `comment`, `github` (posts it)."""
