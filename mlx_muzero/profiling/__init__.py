"""Speed and energy of each backend on this machine, and where Core ML runs programs."""
