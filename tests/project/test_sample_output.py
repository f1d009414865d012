"""Renewing a page types its commands in order, in one folder, and keeps everything else."""

import re
import sys

import pytest

import sample_output
from folders import ROOT
from sample_output import PAGES, blocks, differences, renewed

PAGE = """# Two

```console
$ echo one > file
$ cat file \\
    && echo two >&2
stale
```

<!-- left out: progress -->
```console
$ printf 'progress 1\\nthree  \\n'
```

```
$ not run
```
"""
PRINTED = """\
file.csv: 181 rows, 181 new, 0 conflicts, 0 rejected, 0.2 s
search backend: native (leaves/s: native 302,550, mlx 10,628)
2024-06-20 04:04 UTC  trading  equity 10,002.18  day +2.18  exposure 1  1 trading  3 ms
  latency, search, ms                                p50 0.3  p99 2.0
episode 96: validation expectancy +4.58 pips
"""
SLOWER = """\
file.csv: 181 rows, 181 new, 0 conflicts, 0 rejected, 12.4 s
search backend: native (leaves/s: native 2,550, mlx 628)
2024-06-20 03:02 UTC  trading  equity 10,001.00  day +1.00  exposure 1  1 trading  9 ms
2024-06-20 05:07 UTC  trading  equity 10,004.00  day +4.00  exposure 1  1 trading  31 ms
  latency, search, ms                              p50 11.3  p99 22.0
episode 96: validation expectancy +4.58 pips
"""


def test_commands_are_followed_by_what_they_print(tmp_path):
    done = renewed(PAGE, tmp_path)
    assert done == PAGE.replace("stale", "one\ntwo").replace(
        "three  \\n'\n", "three  \\n'\nthree\n"
    )
    assert (tmp_path / "file").read_text() == "one\n"
    assert renewed(done, tmp_path) == done


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("agent (search): decisions 6,680 of 14,400, 12 s, 3 s left", False),
        ("loading 12, 11 s", False),
        ("file.csv: 181 rows, 0 conflicts, 0 rejected, 0.2 s", True),
    ],
)
def test_progress_that_only_slow_machines_print_is_left_out(tmp_path, line, kept):
    done = renewed(f"```console\n$ echo '{line}'\n```\n", tmp_path)
    assert (f"\n{line}\n" in done) == kept


def test_a_command_that_fails_ends_it(tmp_path):
    with pytest.raises(SystemExit, match="false failed with exit code 1"):
        renewed("```console\n$ false\n```\n", tmp_path)


def test_times_and_speeds_do_not_count_as_differences():
    page = f"```console\n$ mlx-muzero train\n{PRINTED}```\n"
    assert differences(page, page.replace(PRINTED, SLOWER)) == []
    changed = differences(page, page.replace("+4.58", "+4.57"))
    assert [line for line in changed if line.startswith(("-e", "+e"))] == [
        "-episode 96: validation expectancy +4.58 pips",
        "+episode 96: validation expectancy +4.57 pips",
    ]


@pytest.mark.parametrize(("shown", "exit_code"), [("one", 0), ("another", 1)])
def test_a_check_changes_nothing_and_fails_on_a_difference(
    tmp_path, monkeypatch, capsys, shown, exit_code
):
    page = tmp_path / "page.md"
    page.write_text(f"```console\n$ echo one\n{shown}\n```\n")
    before = page.read_text()
    monkeypatch.setattr(sys, "argv", ["sample_output.py", "--check", str(page)])
    with pytest.raises(SystemExit) as ended:
        sample_output.main()
    assert ended.value.code == exit_code
    assert page.read_text() == before
    assert ("-another\n+one" in capsys.readouterr().out) == bool(exit_code)


def test_every_shown_command_is_in_a_block_that_the_script_renews():
    """On any page: nothing would hold the output of a "$ " elsewhere to the build."""
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")]:
        text = page.read_text()
        renewable = "".join(blocks(text)) if page in PAGES else ""
        shown = re.findall(r"^\s*\$ .*$", text, re.MULTILINE)
        assert shown == re.findall(r"^\s*\$ .*$", renewable, re.MULTILINE), page


def test_every_block_shows_what_its_commands_printed():
    for page in PAGES:
        found = blocks(page.read_text())
        assert found, page
        assert all(len(block.splitlines()) > 1 for block in found), page
