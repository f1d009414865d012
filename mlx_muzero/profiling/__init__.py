"""How fast and at what cost each backend plays on this machine, and where Core ML runs it."""
