"""The configuration of a run: its keys, presets, and TOML.

    schema       the keys of training          choices   keys that take one of a few words
    presets      ready-made configurations     rules     conditions between keys
    keys         definition of a key           toml      reads and writes a configuration
    strict_toml  the TOML engine for any dataclass of sections, paper.toml included
    fx_targets   what the FX specification expects of a run

A new key is one line: in `schema` for training, in `mlx_muzero.paper.settings` for a paper session.
"""
