"""The documentation leads somewhere: its links, and the commands that it gives."""

import re
import shlex

import pytest

from command_lines import parse
from folders import ROOT

PAGES = {path.relative_to(ROOT): path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]}
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def prose(page):
    return FENCED.sub("", page.read_text())


def anchors(page):
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page):
    """Words after `mlx-muzero` of each command, be it in a block of its own or in a sentence."""
    blocks = "".join(FENCED.findall(page.read_text())).replace("\\\n", " ")
    typed = [line for line in blocks.splitlines() if not line.startswith(" ")]
    named = [" ".join(span.split()) for span in re.findall(r"`(mlx-muzero [^`]+)`", prose(page))]
    for line in typed + named:
        called = re.match(r"(?:\$ |docker compose run .*)?mlx-muzero (.*)", line)
        if called and "..." not in called[1]:
            yield shlex.split(called[1], comments=True)


@pytest.mark.parametrize("page", PAGES.values(), ids=map(str, PAGES))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not link.startswith("https://"):
            file, _, anchor = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES.values(), ids=map(str, PAGES))
def test_commands_are_understood(page):
    for words in commands(page):
        parse(words)


def test_commands_are_found_in_blocks_and_sentences():
    assert ["data", "import", "FILE", "--symbol", "USDJPY"] in commands(ROOT / "docs/evaluation.md")
    assert ["audit-reward"] in commands(ROOT / "README.md")
    assert sum(len(list(commands(page))) for page in PAGES.values()) > 50


@pytest.mark.parametrize("wrong", ["tran --run x", "train --rum x", "data imports x", "--versions"])
def test_a_wrong_command_would_be_noticed(wrong):
    with pytest.raises(Exception, match=r"No such option|imports|tran|versions"):
        parse(shlex.split(wrong))


def records():
    """The record of each decision, by its number."""
    return {int(path.name[:4]): path for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")}


def test_decisions_are_numbered_and_listed():
    numbered = records()
    assert sorted(numbered) == list(range(1, len(numbered) + 1))
    table = (ROOT / "docs" / "decisions" / "README.md").read_text()
    rows = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| (.+) \|$", table, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == sorted(numbered)
    for number, file, title in rows:
        assert file == numbered[int(number)].name
        assert numbered[int(number)].read_text().startswith(f"# {number}. {title}\n")


def test_the_decisions_that_code_cites_exist():
    sources = [
        path
        for folder in ("apps", "cpp", "docs", "mlx_muzero", "scripts")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".h", ".cc", ".c", ".md"}
    ]
    cited = {int(n) for path in sources for n in re.findall(r"\bADR (\d+)", path.read_text())}
    assert len(cited) > 10
    assert cited <= records().keys()


def test_files_where_changes_begin_exist():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    table = page.partition("## Where a change begins\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| .+ \| `(\S+)` \|(.*)\|$", table, re.MULTILINE)
    files = [begin for begin, _ in rows]
    assert len(files) == len(set(files)) == 23
    assert [file for file in files if not (ROOT / file).is_file()] == []
    also = [path for _, rest in rows for path in re.findall(r"`([\w./]+/[\w./]+)`", rest)]
    assert len(also) > 10
    assert [path for path in also if not (ROOT / path).exists()] == []
