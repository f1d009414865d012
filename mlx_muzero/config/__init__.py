"""The configuration of a run: its keys, presets, and TOML."""
