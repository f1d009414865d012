"""Everything the command line draws."""
