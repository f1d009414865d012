"""How often a child process is replaced, and who hears why."""

from types import SimpleNamespace

import pytest

from mlx_muzero.errors import ConfigError, EngineLost
from mlx_muzero.exports.child import ChildLost
from mlx_muzero.exports.deployment import COMPUTE_UNITS_VARIABLE, Limits, compute_units
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.supervisor import Supervisor

LIMITS = Limits(restarts=2, restarts_s=60.0)


class Children:
    """Launches children whose fates are told beforehand; keeps the time and the events."""

    def __init__(self, *fates):
        self.launched, self.ended, self.now, self.events = 0, 0, 0.0, []
        self._fates = iter(fates)

    def supervisor(self, most_calls=None):
        now = lambda: self.now  # noqa: E731
        return Supervisor(self._launch, LIMITS, self.events.append, now, most_calls)

    def _launch(self):
        self.launched += 1
        self._meet_fate()
        return self

    def call(self, program, inputs):
        self._meet_fate()
        return {"of": inputs["x"]}

    def end(self):
        self.ended += 1

    def _meet_fate(self):
        fate = next(self._fates)
        if fate is not None:
            raise fate


def died(reason="died"):
    return ChildLost(reason, curable=True)


def wrong(reason="wrong"):
    return ChildLost(reason, curable=False)


def test_a_request_is_asked_again_of_the_next_child():
    children = Children(None, None, died("first"), None, None)
    supervisor = children.supervisor()
    assert supervisor.call("p", {"x": 1}) == {"of": 1}
    assert supervisor.call("p", {"x": 2}) == {"of": 2}
    assert children.launched == 2
    assert [str(event) for event in children.events] == ["engine restarted: first"]


def test_a_child_that_has_answered_enough_is_replaced_and_nobody_hears():
    children = Children(*[None] * 10)
    supervisor = children.supervisor(most_calls=3)
    for number in range(7):
        assert supervisor.call("p", {"x": number}) == {"of": number}
    assert (children.launched, children.ended, children.events) == (3, 2, [])
    supervisor.close()


def test_only_a_mac_with_its_own_core_ai_limits_the_calls(monkeypatch):
    programs = [SimpleNamespace(outputs=dict.fromkeys("abcde")), SimpleNamespace(outputs={"a": ()})]
    for has_devices, most in ((True, 2457), (False, None)):
        monkeypatch.setattr("mlx_muzero.coreai.format.has_devices", lambda has=has_devices: has)
        assert format_named("coreai").most_calls(programs) == most
    assert format_named("coreml").most_calls(programs) is None


def test_a_child_that_dies_while_it_loads_counts_as_well():
    children = Children(died("one"), died("two"), died("three"))
    with pytest.raises(EngineLost, match="three; already restarted 2 times within 60 s"):
        children.supervisor()
    assert children.launched == 3
    assert [event.reason for event in children.events] == ["one", "two"]


def test_restarts_are_forgotten_after_a_time():
    children = Children(None, *[died(), None, None] * 4, died())
    supervisor = children.supervisor()
    for now in (0.0, 50.0, 61.0, 111.0):
        children.now = now
        supervisor.call("p", {"x": 1})
    children.now = 112.0
    with pytest.raises(EngineLost, match="restarted 2 times"):
        supervisor.call("p", {"x": 1})
    assert children.launched == 5


@pytest.mark.parametrize("fates", [(wrong(),), (None, wrong()), (None, died(), wrong())])
def test_what_a_new_child_would_do_again_is_final(fates):
    children = Children(*fates)
    with pytest.raises(EngineLost, match=r"^wrong$"):
        children.supervisor().call("p", {"x": 1})


def test_none_is_launched_once_closed():
    children = Children(None, died())
    supervisor = children.supervisor()
    supervisor.close()
    assert children.ended == 1
    with pytest.raises(EngineLost, match="closed"):
        supervisor.call("p", {"x": 1})
    assert (children.launched, children.events) == (1, [])


def test_compute_units_are_never_all(monkeypatch):
    monkeypatch.delenv(COMPUTE_UNITS_VARIABLE, raising=False)
    assert compute_units("coreml") == "CPU_AND_NE"
    monkeypatch.setenv(COMPUTE_UNITS_VARIABLE, "CPU_ONLY")
    assert compute_units("coreml") == "CPU_ONLY"
    monkeypatch.setenv(COMPUTE_UNITS_VARIABLE, "ALL")
    with pytest.raises(ConfigError, match=f"{COMPUTE_UNITS_VARIABLE}.*'ALL'.*CPU_ONLY"):
        compute_units("coreml")
