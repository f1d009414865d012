"""How numbers of things are told."""

from mlx_muzero.words import counted, named


def test_one_thing_has_no_plural():
    assert [counted(count, "day") for count in (0, 1, 1200)] == ["0 days", "1 day", "1,200 days"]


def test_a_few_are_named_and_many_are_counted():
    pairs = ["USDJPY", "EURJPY", "GBPJPY", "AUDJPY", "NZDJPY"]
    assert named(pairs[:2], "pair") == "USDJPY, EURJPY"
    assert named(pairs[:4], "pair", ",") == "USDJPY,EURJPY,GBPJPY,AUDJPY"
    assert named(pairs, "pair") == "5 pairs"
