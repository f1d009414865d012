from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.minute import MinuteAssembler
from mlx_muzero.timeunits import SECOND_NS


def bar(minute, late_s=0.0):
    open_ns = MONDAY_NS + minute * MINUTE_NS
    arrival_ns = open_ns + MINUTE_NS + round(late_s * SECOND_NS)
    return LiveBar("V", open_ns, 1.0, 1.0, 1.0, 1.0, 1.0, None, arrival_ns)


def close(minute):
    return MONDAY_NS + (minute + 1) * MINUTE_NS


def assembler(pairs="AB", begin_ns=0):
    return MinuteAssembler(tuple(pairs), begin_ns, 20 * SECOND_NS, 5 * SECOND_NS)


def test_a_minute_is_over_with_its_last_bar():
    gathered = assembler()
    assert gathered.offer("B", bar(0)) == []
    (minute,) = gathered.offer("A", bar(0))
    assert minute.close_ns == close(0)
    assert minute.fresh == ("A", "B")
    assert gathered.due_ns is None


def test_a_later_bar_ends_the_minute_before():
    gathered = assembler()
    gathered.offer("A", bar(0))
    (minute,) = gathered.offer("A", bar(1))
    assert (minute.close_ns, minute.fresh) == (close(0), ("A",))


def test_grace_ends_with_what_is_there():
    gathered = assembler()
    gathered.offer("A", bar(0))
    assert gathered.due_ns == close(0) + 5 * SECOND_NS
    (minute,) = gathered.flush()
    assert minute.fresh == ("A",)
    assert gathered.flush() == []


def test_a_bar_that_came_late_is_taken_but_not_traded_on():
    gathered = assembler("A")
    assert gathered.offer("A", bar(0, late_s=21.0)) == []
    (minute,) = gathered.offer("A", bar(1))
    assert [b.open_time_ns for b in minute.bars["A"]] == [bar(0).open_time_ns, bar(1).open_time_ns]
    assert minute.fresh == ("A",)


def test_a_backlog_is_one_batch():
    gathered = assembler()
    for minute in range(100):
        assert gathered.offer("A", bar(minute, late_s=7200.0)) == []
    gathered.offer("A", bar(100))
    (minute,) = gathered.offer("B", bar(100))
    assert len(minute.bars["A"]) == 101
    assert minute.fresh == ("A", "B")


def test_history_completes_no_minute():
    gathered = assembler("A", begin_ns=close(1))
    assert gathered.offer("A", bar(0)) == []
    assert gathered.offer("A", bar(1)) == []
    (minute,) = gathered.offer("A", bar(2))
    assert len(minute.bars["A"]) == 3


def test_a_silent_pair_is_not_waited_for_until_it_speaks():
    gathered = assembler()
    gathered.silence("B")
    (minute,) = gathered.offer("A", bar(0))
    assert minute.fresh == ("A",)
    gathered.offer("B", bar(1))
    (minute,) = gathered.offer("A", bar(1))
    assert minute.fresh == ("A", "B")
