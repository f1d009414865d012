"""The configuration of a run: its keys, presets, and TOML.

    schema       the keys of training          choices   those that take one of a few words
    presets      configurations to begin with  rules     what must hold between keys
    keys         what a key is                 toml      reads and writes a configuration
    strict_toml  the engine behind it and behind paper.toml: any dataclass of sections
    fx_targets   what the FX specification expects of a run

A new key is one line: in `schema` for training, in `mlx_muzero.paper.settings` for a paper session.
"""
