"""The programs as operations, written once for every export format."""
