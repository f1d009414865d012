import numpy as np
import pytest

from mlx_muzero.market.importers.busy_minutes import BusyMinutes
from mlx_muzero.timeunits import MINUTE_NS


def shown(wall_ns, volume, chunks=3):
    busy = BusyMinutes()
    for part in np.array_split(np.arange(len(wall_ns)), chunks):
        busy.see(wall_ns[part], volume[part])
    return busy.stamps()


def noisy(minutes, busy_at, seed=1, lift=0.6):
    """Volume that is larger where a quarter of an hour has `busy_at` minutes behind it."""
    minute = np.arange(minutes)
    volume = np.random.default_rng(seed).random(minutes)
    return minute * MINUTE_NS, volume + lift * (minute % 15 == busy_at)


@pytest.mark.parametrize(("busy_at", "stamps"), [(0, "open"), (1, "close"), (2, None), (14, None)])
@pytest.mark.parametrize("step", [1, -1])
def test_the_busy_minute_of_a_quarter_shows_the_stamps(busy_at, stamps, step):
    wall, volume = noisy(2 * 1440, busy_at)
    assert shown(wall[::step], volume[::step]) == stamps


@pytest.mark.parametrize("seed", range(20))
def test_noise_shows_nothing(seed):
    assert shown(*noisy(7 * 1440, 0, seed, lift=0.0)) is None


@pytest.mark.parametrize("period", [1, 3, 5])
def test_a_rhythm_of_less_than_a_quarter_shows_nothing(period):
    minute = np.arange(3 * 1440)
    assert shown(minute * MINUTE_NS, (minute % period).astype(float)) is None


def test_what_is_unknown_or_too_short_shows_nothing():
    wall, volume = noisy(2 * 1440, 0)
    assert shown(wall, np.full(len(wall), np.nan)) is None
    assert shown(wall[:12], volume[:12]) is None
    assert shown(wall * 2, volume) is None  # no two bars a minute apart
