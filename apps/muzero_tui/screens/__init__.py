"""The five screens, and those that lie over them."""
