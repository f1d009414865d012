"""The widgets that make up the screens."""
