"""Rewrites links from the repository's layout to the site's.

Pages are written so that their links work where the sources are read. Some pages live outside
docs/, and some links lead to files that the site does not have.
"""

import posixpath
import re
from collections.abc import Mapping

ROOT_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Pages at the root of the repository, by name, and where the site has them."""

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z]+:|#")


def for_site(text: str, source: str, page: str, titles: Mapping[str, str]) -> str:
    """`text` with its links pointing to where the site has their targets.

    Args:
        text: a page in Markdown.
        source: its path in the repository, as ``docs/search.md``.
        page: its path in the site, as ``search.md``.
        titles: by path in the site, the title of every page; other files have an empty one.

    Returns:
        The text. Where a link shows a page's path, it shows its title. A link to a file of the
        repository that the site lacks becomes its text: the site cannot know where that is.
    """

    def renewed(link: "re.Match[str]") -> str:
        path, hash_, anchor = link["target"].partition("#")
        if _ELSEWHERE.match(link["target"]):
            return link[0]
        found = _in_site(posixpath.normpath(posixpath.join(posixpath.dirname(source), path)))
        if found not in titles:
            return link["text"]
        shown = titles[found] if link["text"] == path else link["text"]
        place = posixpath.relpath(found, posixpath.dirname(page) or ".")
        return f"{link['image']}[{shown}]({place}{hash_}{anchor})"

    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(renewed, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(renewed, text[end:])])


def title_of(text: str) -> str:
    """The first heading of a page."""
    found = re.search(r"^# (.+?)(?: \{.*\})?$", text, re.MULTILINE)
    return found[1] if found else ""


def _in_site(path: str) -> str:
    if path in ROOT_PAGES:
        return ROOT_PAGES[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else ""
