"""A run as others see it: its folder, journal, decisions, and control socket."""
