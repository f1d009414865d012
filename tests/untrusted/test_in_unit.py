from mlx_muzero.untrusted.json_values import in_unit


def test_keys_name_the_unit_at_every_depth():
    facts = {"net_pips": 1.0, "each": [{"net_pips": 2.0}, 3, [{"pips": 4}]], "in": {"low_pips": 5}}
    assert in_unit(facts, "bps") == {
        "net_bps": 1.0,
        "each": [{"net_bps": 2.0}, 3, [{"bps": 4}]],
        "in": {"low_bps": 5},
    }
    assert in_unit(facts, "pips") == facts
