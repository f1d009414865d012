"""Names of instruments, and the assets they trade."""
