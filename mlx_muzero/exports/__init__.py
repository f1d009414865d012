"""What every export format needs: tensors, layers, manifest, comparison, and a child process."""
