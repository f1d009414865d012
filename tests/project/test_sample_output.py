"""Renewing a tutorial types its commands in order, in one folder, and keeps everything else."""

import pytest

from sample_output import FOLDER, renewed

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


def test_commands_are_followed_by_what_they_print(tmp_path):
    done = renewed(PAGE, tmp_path)
    assert done == PAGE.replace("stale", "one\ntwo").replace(
        "three  \\n'\n", "three  \\n'\nthree\n"
    )
    assert (tmp_path / "file").read_text() == "one\n"
    assert renewed(done, tmp_path) == done


def test_a_command_that_fails_ends_it(tmp_path):
    with pytest.raises(SystemExit, match="false failed with exit code 1"):
        renewed("```console\n$ false\n```\n", tmp_path)


def test_every_tutorial_shows_what_its_commands_printed():
    for page in FOLDER.glob("*.md"):
        blocks = page.read_text().split("```console\n")[1:]
        assert blocks, page
        assert all(len(block.partition("\n```")[0].splitlines()) > 1 for block in blocks), page
