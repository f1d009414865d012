"""A page is one file that fetches nothing, and what it shows is never markup."""

import hashlib
import json
import re
from importlib.resources import files

import numpy as np
import pytest

from mlx_muzero.evaluation import page as page_package
from mlx_muzero.evaluation.page.candles import MOST_BARS
from mlx_muzero.evaluation.page.file import SCRIPTS, page_text, write_page
from mlx_muzero.evaluation.page.vendored import LIGHTWEIGHT_CHARTS
from pages import contents_of, sample_page

ASSETS = files(page_package) / "assets"
HOSTILE = (
    "</script><script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "<!-- \u2028 & {{library}} {{packed}} --> '\"`${1+1}",
)


def without_library(text):
    return text.replace((ASSETS / LIGHTWEIGHT_CHARTS.file).read_text(), "")


def test_the_library_is_the_published_one_with_its_licence_and_notice():
    data = (ASSETS / LIGHTWEIGHT_CHARTS.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == LIGHTWEIGHT_CHARTS.sha256
    assert f"v{LIGHTWEIGHT_CHARTS.version}".encode() in data[:300]
    assert "Apache License" in (ASSETS / "lightweight-charts.LICENSE").read_text()
    notice = (ASSETS / "lightweight-charts.NOTICE").read_text()
    for line in (*LIGHTWEIGHT_CHARTS.attribution, LIGHTWEIGHT_CHARTS.link):
        assert line in notice


def test_every_script_is_in_the_page_and_none_lies_about():
    own = {path.name for path in ASSETS.iterdir() if path.name.endswith(".js")}
    assert own == {*SCRIPTS, LIGHTWEIGHT_CHARTS.file}


def test_the_page_names_no_other_file_and_no_host_but_the_authors_of_its_charts():
    text = without_library(page_text(sample_page()))
    assert not re.findall(r"<(?:link|img|iframe|object|embed)\b|\b(?:src|srcset|action)=", text)
    assert not re.findall(r"@import|url\(", text)
    hosts = set(re.findall(r"https?://[^/\"'\s\\]+", text))
    assert hosts == {"https://www.tradingview.com", "http://www.w3.org"}  # a name space of SVG


def test_scripts_make_no_markup_of_text():
    own = "".join((ASSETS / name).read_text() for name in SCRIPTS)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", own)


def test_the_policy_allows_what_is_in_the_page_and_nothing_else():
    text = page_text(sample_page())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_data_whatever_it_says(name):
    page = sample_page(symbols=(name,))
    text = page_text(page)
    assert name not in text
    assert text.count("</script>") == page_text(sample_page()).count("</script>")
    found = contents_of(page)
    assert found["candles"][0]["symbol"] == name
    assert found["verdict"]["reasons"][0] == f"too few days of {name}"


def test_what_went_in_comes_out():
    page = sample_page()
    found = contents_of(page)
    candles, scale = page.candles[0], 10.0 ** found["candles"][0]["digits"]
    np.testing.assert_allclose(found["candles"][0]["open"] / scale, candles.open, atol=1 / scale)
    np.testing.assert_array_equal(
        found["trades"]["entry_minute"] * 60 * 10**9, page.trades.entry_ns
    )
    np.testing.assert_allclose(found["trades"]["gross"], page.trades.gross, rtol=1e-6)
    assert sum(found["decisions"]["trees"]["length"]) == len(found["decisions"]["trees"]["parent"])
    assert json.dumps(found["plots"])


@pytest.mark.slow
def test_ten_thousand_trades_take_less_than_eight_megabytes(tmp_path):
    page = sample_page(trades=10_000, bars=MOST_BARS, trees=200)
    assert write_page(page, tmp_path / "page.html") < 8_000_000


def test_a_page_without_trades_says_so_much_and_no_more():
    page = sample_page()
    bare = type(page)(page.title, page.about, page.unit, page.again)
    found = contents_of(bare)
    assert found["trades"] is found["decisions"] is found["verdict"] is None
    assert found["courses"] == found["candles"] == found["tables"] == []
