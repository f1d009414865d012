"""Hooks for MkDocs: generate pages from the program, and rewrite links for the site."""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.main import get_command

from docsite.api import api_page
from docsite.commands import commands_page
from docsite.keys import configuration_page, paper_page
from docsite.links import ROOT_PAGES, for_site, title_of
from muzero_cli.main import app

ROOT = Path(__file__).resolve().parent.parent
_FROM_ELSEWHERE = re.compile(
    r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//[^>]*>'
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    pages = {
        "reference/api.md": api_page(),
        "reference/commands.md": commands_page(get_command(app), "mlx-muzero"),
        "reference/configuration.md": configuration_page(),
        "reference/paper-settings.md": paper_page(),
    }
    pages |= {page: (ROOT / source).read_text() for source, page in ROOT_PAGES.items()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Point the links of a page written for the repository to where the site has their targets."""
    path = page.file.src_uri
    source = {there: here for here, there in ROOT_PAGES.items()}.get(path, f"docs/{path}")
    return for_site(markdown, source, path, _titles(files))


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Refuse a page that loads anything from another host: a site is read in private.

    Raises:
        PluginError: names the page and what it would load.
    """
    if found := _FROM_ELSEWHERE.search(output):
        raise PluginError(f"{page.file.src_uri} loads from another host: {found[0]}")
    return output


def _titles(files: Files) -> dict[str, str]:
    return {
        file.src_uri: title_of(file.content_string) if file.is_documentation_page() else ""
        for file in files
    }
