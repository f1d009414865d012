"""Processes: started, supervised, and asked to stop by signals."""
