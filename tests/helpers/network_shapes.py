"""Networks of any shape, whose saved programs are compared with them."""

from hypothesis import strategies as st

PROGRAMS = ("initial", "recurrent", "afterstate", "dynamics")
ENCODERS = ("tcn", "resnet", "transformer")
ENCODER_SIZES = {"resnet_channels": 12, "transformer_width": 16, "transformer_heads": 4}

_blocks = st.integers(0, 2)

SHAPES = st.fixed_dictionaries(
    {
        "features": st.integers(1, 8),
        "actions": st.integers(1, 7),
        "outcomes": st.integers(1, 5),
        "window_bars": st.integers(1, 12),
        # A layer norm over very few channels, which may be nearly equal, magnifies any rounding.
        "latent_width": st.integers(8, 40),
        "tcn_channels": st.integers(1, 8),
        "tcn_kernel": st.integers(1, 4),
        "encoder": st.sampled_from(ENCODERS),
        "resnet_channels": st.integers(8, 12),
        "resnet_kernel": st.integers(1, 4),
        "resnet_blocks": st.integers(1, 2),
        "transformer_width": st.sampled_from([8, 16]),
        "transformer_heads": st.sampled_from([1, 2, 4]),
        "transformer_layers": st.integers(1, 2),
        "value_bins": st.integers(3, 40),
        "representation_blocks": _blocks,
        "outcome_blocks": _blocks,
        "dynamics_blocks": _blocks,
        "policy_blocks": _blocks,
        "value_blocks": _blocks,
        "afterstate_blocks": _blocks,
        "seed": st.integers(0, 2**32),
    }
)
"""Sizes of `random_model`."""
