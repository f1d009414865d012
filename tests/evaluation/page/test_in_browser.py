"""The page as a reader meets it, in a headless Chromium.

A machine without one skips these aloud: the other tests of this folder hold what is in the page.
"""

import itertools
from dataclasses import replace

import pytest

import chromium
from mlx_muzero.evaluation.page.file import write_page
from mlx_muzero.evaluation.page.played import WENT_ON
from pages import sample_page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        chromium.installed() is None,
        reason=f"the page was not looked at: none of {', '.join(chromium.NAMES)} is installed",
    ),
]
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
PANELS = (
    *("Verdict", "Equity and drawdown", "Market and fills", "Beside the baselines"),
    *(f"Cost curve of {HOSTILE}", "Trades (40)", "How to make it again"),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium.Chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(sample_page(symbols=(HOSTILE, "TWO")), path)
    return path.as_uri()


@pytest.fixture
def tab(browser, url):
    opened = browser.open(url)
    yield opened
    assert opened.errors() == []
    assert opened.requests() == [url], "something was fetched"


def test_every_panel_is_drawn_and_names_stay_text(tab):
    assert tab.run("[...document.querySelectorAll('h2')].map((each) => each.textContent)") == list(
        PANELS
    )
    assert tab.run("document.title") == f"run: {HOSTILE}, test split"
    assert not tab.run("document.querySelectorAll('img').length")
    tab.wait("document.querySelectorAll('.chart canvas').length > 6")
    tab.wait("document.querySelector('.plot path') !== null")


def test_a_click_on_a_fill_opens_the_decision_and_its_tree(tab):
    tab.wait("document.querySelectorAll('.chart.market canvas').length > 2")
    tab.run("document.querySelector('.chart.market').scrollIntoView()")
    edges = "(({ x, y, width, height }) => [x, y, width, height])"
    box = f"{edges}(document.querySelector('.chart.market').getBoundingClientRect())"
    left, top, width, height = tab.run(box)
    # The first fill is a sixth from the left; how high it is depends on the prices in sight.
    across = [left + width * share / 100 for share in range(12, 19)]
    for x, y in itertools.product(across, range(int(top) + 10, int(top + height) - 30, 8)):
        tab.click(x, y)
        if tab.run("!document.getElementById('decision').hidden"):
            break
    assert "UTC" in tab.run("document.querySelector('#decision h3').textContent")


def test_the_trades_open_decisions_with_trees_or_the_command_that_shows_them(tab):
    tab.run("document.querySelector('#trades tbody button').click()")
    assert "now" in tab.run("document.querySelector('#decision .tree').textContent")
    assert tab.run("document.querySelectorAll('#decision .tree li').length") >= 5
    assert "null" not in tab.run("document.getElementById('decision').textContent")
    assert "2 of 21 nodes" in tab.run("document.getElementById('decision').textContent")
    tab.run("document.querySelectorAll('#trades tbody tr')[20].querySelector('button').click()")
    command = tab.run("document.querySelector('#decision pre').textContent")
    assert command.startswith("mlx-muzero tree run --at 2023-11-")
    assert " --pair '<img" in command, "quoted for a shell"


def test_the_cone_reaches_as_far_as_the_tree_and_has_what_came(tab):
    tab.run("document.querySelector('#trades tbody button').click()")
    assert tab.run("document.querySelectorAll('#decision .cone polygon').length") == 2
    assert tab.run("document.querySelectorAll('#decision .cone circle').length") == 2
    told = tab.run("document.getElementById('decision').textContent")
    assert "The close 2 bars ahead was expected at" in told
    assert "Next bar after this action" in told
    tab.run("document.querySelectorAll('#trades tbody tr')[20].querySelector('button').click()")
    assert tab.run("document.querySelectorAll('#decision .cone circle').length") == 1
    assert "The next close was expected at" in tab.run(
        "document.getElementById('decision').textContent"
    )


def test_an_address_opens_the_fill_it_names(browser, url):
    tab = browser.open(f"{url}#trade-2-exit")
    assert tab.run("document.querySelector('#decision h3').textContent").startswith("close")
    tab.run("document.querySelector('[aria-label=\"Next fill\"]').click()")
    assert tab.run("location.hash").startswith("#trade-")
    assert tab.run("location.hash") != "#trade-2-exit"
    assert tab.errors() == []


def test_a_position_that_went_on_is_resized_and_not_closed(browser, tmp_path):
    page = sample_page()
    page.trades.resized[1] = WENT_ON
    write_page(page, tmp_path / "page.html")
    for trade, deed in ((2, "resize of"), (3, "close")):
        tab = browser.open(f"{(tmp_path / 'page.html').as_uri()}#trade-{trade}-exit")
        heading = tab.run("document.querySelector('#decision h3').textContent")
        assert heading.startswith(deed)
        assert tab.errors() == []


def test_a_table_sorts_by_keyboard(tab):
    tab.run("document.querySelector('#beside-the-baselines th:nth-child(2) button').focus()")
    nets = "document.querySelectorAll('#beside-the-baselines td:nth-child(2)')"
    cells = f"[...{nets}].map((each) => each.textContent)"
    tab.press("Enter", 13, "\r")
    assert tab.run(cells) == ["+3.00", "0.00", "\u22122.50"]
    tab.press("Enter", 13, "\r")
    assert tab.run(cells) == ["\u22122.50", "0.00", "+3.00"]
    assert (
        tab.run("document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "ascending"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_the_systems_until_the_reader_changes_it(browser, url, scheme):
    tab = browser.open(url, scheme=scheme)
    assert tab.run("document.documentElement.dataset.theme") == scheme
    before = tab.run("getComputedStyle(document.body).backgroundColor")
    tab.run("document.getElementById('theme').click()")
    assert tab.run("document.documentElement.dataset.theme") != scheme
    assert tab.run("getComputedStyle(document.body).backgroundColor") != before
    tab.run("localStorage.clear()")
    assert tab.errors() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_its_contrast(browser, url, scheme):
    """WCAG AA: 4.5 to 1 between each colour of text and each ground it stands on."""
    tab = browser.open(url, scheme=scheme)
    ratio = """(text, ground) => {
      const probe = document.body.appendChild(document.createElement('i'));
      const light = (name) => {
        probe.style.color = `var(--${name})`;
        const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
          const share = part / 255;
          return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
      };
      const [high, low] = [light(text), light(ground)].sort((a, b) => b - a);
      probe.remove();
      return (high + 0.05) / (low + 0.05);
    }"""
    for text in ("ink", "muted", "accent", "gain", "loss", "warn"):
        for ground in ("panel", "ground", "sunk"):
            assert tab.run(f"({ratio})('{text}', '{ground}')") >= 4.5, (text, ground)


def test_policies_are_told_apart_and_look_the_same_in_every_plot(browser, tmp_path):
    page = sample_page()
    judged, *_ = page.courses
    courses = [judged, *(replace(judged, name=f"rule {number}") for number in range(14))]
    lines = [replace(page.plots[0].lines[0], name=f"rule {number}") for number in (9, 2)]
    write_page(
        replace(page, courses=courses, plots=[replace(page.plots[0], lines=lines)]),
        tmp_path / "page.html",
    )
    tab = browser.open((tmp_path / "page.html").as_uri())
    tab.wait("document.querySelectorAll('#equity .legend li').length === 15")
    mark = "getComputedStyle(each.querySelector('i'))"
    look = f"(each) => [each.textContent, ((i) => i.color + i.borderTopStyle)({mark})]"
    looks = dict(tab.run(f"[...document.querySelectorAll('#equity .legend li')].map({look})"))
    assert len(set(looks.values())) == 15
    plotted = dict(
        tab.run(f"[...document.querySelectorAll('.panel.narrow .legend li')].map({look})")
    )
    assert plotted == {name: looks[name] for name in ("rule 9", "rule 2")}


def test_the_chart_grows_to_the_decision_beside_it_but_not_out_of_sight(browser, url):
    tab = browser.open(url, width=1200, height=1000)
    height = "document.querySelector('.chart.market').clientHeight"
    assert tab.run(height) == 480
    tab.run("document.querySelector('#trades tbody button').click()")
    tab.wait(f"{height} > 480")
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    beside = tab.run(bottom.format(".beside > .split"))
    assert beside <= tab.run(bottom.format("#decision")) + 1
    assert (
        beside - tab.run("document.querySelector('.beside > .split').getBoundingClientRect().top")
        <= 1000
    )
    tab.run("document.querySelector('[aria-label=\"Close this decision\"]').click()")
    tab.wait(f"{height} === 480")
    assert tab.errors() == []


def test_a_phone_needs_no_sideways_scrolling(browser, url):
    tab = browser.open(url, width=390, height=844)
    tab.run("document.querySelector('#trades tbody button').click()")
    tab.wait("document.querySelectorAll('.chart canvas').length > 6")
    assert tab.run("document.documentElement.scrollWidth") <= 390
    wraps = "getComputedStyle(document.querySelector('.narrow td.text')).whiteSpace"
    assert tab.run(wraps) == "normal", "a long name leaves room for the figures beside it"
    assert tab.errors() == []
