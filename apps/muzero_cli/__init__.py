"""The command line `mlx-muzero`: thin verbs over the library."""
