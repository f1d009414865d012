"""Safe file access, file digests, and messages for file errors."""
