"""A log is followed at its end, whoever writes it and whatever is in it."""

import os

import pytest

from mlx_muzero.watch.log_tail import MOST_CHARACTERS, TAIL_BYTES, LogTail


def test_whole_lines_come_once(tmp_path):
    path = tmp_path / "run.log"
    tail = LogTail(path)
    path.write_text("one\ntwo\nthr")
    assert tail.new() == (["one", "two"], True)
    with path.open("a") as log:
        log.write("ee\n\n")
    assert tail.new() == (["three", ""], False)
    assert tail.new() == ([], False)


def test_of_a_long_log_the_end_is_read_and_no_torn_line(tmp_path):
    path = tmp_path / "run.log"
    path.write_text("".join(f"line {number}\n" for number in range(TAIL_BYTES)))
    lines, _ = LogTail(path).new()
    assert lines[-1] == f"line {TAIL_BYTES - 1}"
    assert lines[0].startswith("line ")
    assert len("\n".join(lines)) < TAIL_BYTES


@pytest.mark.parametrize("write", [lambda p: p.write_text("b\n"), lambda p: replaced(p)])
def test_a_log_that_was_cut_or_replaced_begins_again(tmp_path, write):
    path = tmp_path / "run.log"
    path.write_text("a long line\n")
    tail = LogTail(path)
    tail.new()
    write(path)
    assert tail.new() == (["b"], True)


def replaced(path):
    other = path.with_name("other")
    other.write_text("b\n")
    other.replace(path)


def test_nothing_in_a_line_is_a_command_to_the_terminal(tmp_path):
    path = tmp_path / "run.log"
    path.write_bytes(b"10 %\r50 %\r100 %\r\n\x1b]52;c;aGk=\x07\xff\n" + b"x" * 9000 + b"\n")
    done, escape, long = LogTail(path).new()[0]
    assert done == "100 %"
    assert escape.isprintable()
    assert len(long) == MOST_CHARACTERS


def test_a_line_without_end_is_passed_by(tmp_path):
    path = tmp_path / "run.log"
    path.write_bytes(b"x" * (3 * TAIL_BYTES))
    tail = LogTail(path)
    assert tail.new() == ([], True)
    with path.open("a") as log:
        log.write("\nafter\n")
    assert tail.new()[0][-1] == "after"


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: p.symlink_to("/etc/passwd")])
def test_only_regular_files_are_read(tmp_path, make):
    make(tmp_path / "run.log")
    with pytest.raises(OSError, match="it is a"):
        LogTail(tmp_path / "run.log").new()
