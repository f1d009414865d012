"""Names of instruments, and the assets that are traded."""
