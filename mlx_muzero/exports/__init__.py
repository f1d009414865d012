"""What every exported format needs: tensors, layers, manifest, comparison, and a child process."""
