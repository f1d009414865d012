"""Writes a page: template, style, scripts and contents in one file that fetches nothing.

Its policy allows exactly the style and the scripts that are in it, by their digests, and nothing
from anywhere else. Contents are data: the script sets them as text, never as markup.
"""

import base64
import hashlib
import re
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import mlx_muzero
from mlx_muzero.evaluation.page.contents import Page
from mlx_muzero.evaluation.page.facts import page_facts
from mlx_muzero.evaluation.page.packing import Packed
from mlx_muzero.evaluation.page.vendored import LIGHTWEIGHT_CHARTS
from mlx_muzero.files.regular import write_text
from mlx_muzero.untrusted.json_values import strict_json

SCRIPTS = (
    "dom.js",
    "formats.js",
    "packed.js",
    "theme.js",
    "tables.js",
    "plots.js",
    "courses.js",
    "trades.js",
    "candles.js",
    "market.js",
    "tree.js",
    "cone.js",
    "decision.js",
    "page.js",
)
"""Scripts of the page, in the order in which they are joined: what is used comes first."""

_HOLE = re.compile(r"\{\{(\w+)\}\}")
_MARKUP = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
"""What could end a script early, in JSON that means the same."""


def write_page(page: Page, path: Path) -> int:
    """Write `page` to `path`, replacing what is there; return its size in bytes.

    Raises:
        OSError: it cannot be written.
    """
    text = page_text(page)
    write_text(path, text)
    return len(text.encode())


def page_text(page: Page) -> str:
    """The whole file."""
    packed = Packed()
    made_by = {"version": mlx_muzero.__version__, "library": asdict(LIGHTWEIGHT_CHARTS)}
    facts = page_facts(page, packed) | made_by
    own = "\n".join(_asset(name) for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{own}\n}})();'
    library = _asset(LIGHTWEIGHT_CHARTS.file)
    style = _asset("page.css")
    scripts = " ".join(map(_allowed, (library, script)))
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src {_allowed(style)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    filled = {
        "policy": policy,
        "style": style,
        "library": library,
        "script": script,
        "contents": strict_json(facts, separators=(",", ":")).translate(_MARKUP),
        "packed": packed.text(),
    }
    return _HOLE.sub(lambda hole: filled[hole[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _allowed(text: str) -> str:
    """How a policy names the text of an element."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
