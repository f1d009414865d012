"""Pages of the documentation site that are made from the program, and links between its pages."""

import pydoc
import re

import pytest
from typer.main import get_command

import mlx_muzero
from docsite.api import api_page
from docsite.commands import commands_page
from docsite.keys import configuration_page, paper_page
from docsite.links import for_site, title_of
from docsite.markdown import prose, table
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.toml import KEYS
from mlx_muzero.paper.settings import SECTIONS
from muzero_cli.main import app

TITLES = {
    "index.md": "mlx_muzero",
    "search.md": "The search",
    "tutorials/fx.md": "An FX pair",
    "screenshots/train.svg": "",
}


@pytest.mark.parametrize(
    ("source", "page", "written", "on_site"),
    [
        ("README.md", "index.md", "[docs/search.md](docs/search.md)", "[The search](search.md)"),
        ("README.md", "index.md", "[it](docs/search.md#nodes)", "[it](search.md#nodes)"),
        ("README.md", "index.md", "![Loss](docs/screenshots/train.svg)",
         "![Loss](screenshots/train.svg)"),
        ("docs/tutorials/fx.md", "tutorials/fx.md", "[the demo](../../README.md#install)",
         "[the demo](../index.md#install)"),
        ("docs/search.md", "search.md", "[its tests](../tests/goldens)", "its tests"),
        ("docs/search.md", "search.md", "[MLX](https://github.com/x)", "[MLX](https://github.com/x)"),
        ("docs/search.md", "search.md", "[above](#nodes)", "[above](#nodes)"),
        ("docs/search.md", "search.md", "```\n[a](b.md)\n```", "```\n[a](b.md)\n```"),
        ("docs/search.md", "search.md", "[gone](lost.md)", "gone"),
    ],
)  # fmt: skip
def test_links_lead_to_pages_of_the_site(source, page, written, on_site):
    assert for_site(f"See\n{written}\n", source, page, TITLES) == f"See\n{on_site}\n"


def test_the_title_is_the_first_heading():
    assert title_of("text\n# The search { #search }\n\n# Another\n") == "The search"
    assert title_of("no heading") == ""


def test_text_of_the_program_is_not_taken_for_markup():
    assert prose("A|B <x> a_b `c`") == r"A\|B \<x\> a\_b \`c\`"
    assert table(("a", "b"), [("1", "two\n lines")]) == "| a | b |\n|---|---|\n| 1 | two lines |"
    assert table(("a",), []) == ""


def leaves(command, path):
    below = getattr(command, "commands", {})
    for name in below:
        yield from leaves(below[name], f"{path} {name}")
    if not below:
        yield path, command


def test_every_command_and_option_is_in_the_reference():
    root = get_command(app)
    page = commands_page(root, "mlx-muzero")
    sections = {part.partition(" {")[0]: part for part in page.split("\n## ")[1:]}
    for path, command in leaves(root, "mlx-muzero"):
        assert f"# {path} {{" in page
        section = page.partition(f"# {path} {{")[2].partition("\n## ")[0]
        for param in command.params:
            if param.param_type_name == "option" and not param.hidden:
                assert f"`{param.opts[0]}`" in section, (path, param.opts)
    assert "mlx-muzero doctor" in sections


@pytest.mark.parametrize(("make", "schema"), [(configuration_page, KEYS), (paper_page, SECTIONS)])
def test_every_key_is_in_its_reference(make, schema):
    page = make()
    for section, keys in schema.items():
        rows = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        for name, key in keys.items():
            (row,) = [row for row in rows.splitlines() if f'id="{key.path}"' in row]
            assert f"`{name}`" in row
            assert prose(key.about) in row
            assert prose(key.allowed) in row


def test_every_preset_is_in_the_reference():
    page = configuration_page()
    assert all(f"\n### {name}\n" in page for name in PRESETS)
    small = page.partition("\n### fx_small\n")[2].partition("\n### ")[0]
    assert '| `trading.reward` | `"mark_to_market"` |' in small


def test_the_api_page_asks_for_every_public_name():
    asked = re.findall(r"^::: (\S+)$", api_page(), re.MULTILINE)
    assert [pydoc.locate(name) for name in asked] == [
        getattr(mlx_muzero, name) for name in mlx_muzero.__all__
    ]
