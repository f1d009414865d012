"""Curves: as large as their place, levels named, the best marked, the first line on top."""

from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.watch.curve import Curve
from muzero_tui.plotting import LABEL, Line, View, plot

NUMBERS = st.floats(-1e300, 1e300)


def curve(*values):
    made = Curve()
    for x, y in enumerate(values):
        made.append(float(x), y)
    return made


def drawn(*lines, width=50, height=10, **options):
    named = [Line(line, f"style{place}") for place, line in enumerate(lines)]
    return plot(named, width, height, "{:.0f}".format, "{:.1f}".format, View(), **options)


@given(
    st.lists(st.lists(NUMBERS, min_size=1, max_size=40), min_size=1, max_size=6),
    st.integers(20, 90), st.integers(3, 30), st.none() | NUMBERS,
)  # fmt: skip
@examples(40)
def test_it_is_as_large_as_its_place(values, width, height, level):
    levels = None if level is None else {"optimum": level}
    made = [curve(*line) for line in values]
    text = drawn(*made, width=width, height=height, levels=levels, star=(0.0, 1.0, "bold"))
    lines = text.plain.split("\n")
    assert len(lines) == height
    assert {len(line) for line in lines[:-1]} == {width}


def test_levels_are_named_and_within_the_axis():
    lines = drawn(curve(1.0, 2.0), levels={"optimum": 8.0, "line": 4.0}).plain.split("\n")
    assert lines[0].endswith("optimum")
    assert lines[0].strip().startswith("8.0")
    assert sum("line" in line for line in lines) == 1


def test_the_star_is_at_its_point():
    lines = drawn(curve(0.0, 1.0, 0.0), star=(1.0, 1.0, "bold")).plain.split("\n")
    middle = LABEL + 1 + (50 - LABEL - 1) // 2
    assert abs(lines[0].index("★") - middle) <= 1
    assert "★" not in drawn(curve(0.0, 1.0), star=(9.0, 1.0, "bold")).plain


def test_of_lines_that_meet_the_first_is_on_top():
    same = curve(1.0, 2.0, 3.0)
    styles = {str(span.style) for span in drawn(same, same).spans}
    assert "style0" in styles
    assert "style1" not in styles
