"""The kernels that the native backend computes with: the default, the fastest found, or named."""

import json

import pytest

from mlx_muzero import _core, kernel_choice, numerics
from mlx_muzero.errors import ConfigError
from mlx_muzero.kernel_choice import computing_with, keep, kernels_here

M4 = ["accelerate", "baseline", "sme"]


@pytest.fixture
def kernels(monkeypatch, tmp_path):
    """Has this machine pass for one with these kernels, an M4 unless a test says otherwise."""
    monkeypatch.delenv(kernel_choice.VARIABLE, raising=False)
    monkeypatch.setattr(kernel_choice, "cache_folder", lambda: tmp_path)
    kernel_choice._kept.cache_clear()
    yield lambda names=M4: monkeypatch.setattr(_core, "kernels", lambda: names)
    kernel_choice._kept.cache_clear()


@pytest.mark.parametrize("names", [["avx512", "avx2", "baseline"], ["avx2", "baseline"]])
def test_x86_has_an_order_and_nothing_to_measure(kernels, names):
    kernels(names)
    assert kernel_choice.contenders() == (names[0],)
    assert kernels_here() == (names[0], "the fastest that this processor runs")


def test_a_machine_with_one_set_has_no_choice(kernels):
    kernels(["baseline"])
    assert kernels_here() == ("baseline", "the fastest that this processor runs")


@pytest.mark.parametrize("names", [M4, ["baseline", "sme"]])
def test_the_matrix_unit_is_not_taken_unmeasured(kernels, names):
    kernels(names)
    name, why = kernels_here()
    assert name == names[0]
    assert "mlx-muzero profile would compare" in why
    assert "sme" in why


@pytest.mark.parametrize(
    ("rates", "name", "why"),
    [
        ((100, 50, 150), "sme", "1.50 times as fast as accelerate"),
        ((100, 120, 90), "baseline", "1.20 times as fast as accelerate"),
        ((100, 50, 109), "accelerate", "the default; sme 1.09 times as fast"),
        ((100, 50, 80), "accelerate", "the default; sme 0.80 times as fast"),
    ],
)
def test_what_was_clearly_faster_is_taken_from_the_next_process_on(kernels, rates, name, why):
    kernels()
    assert kernels_here().name == "accelerate"
    keep({"float32": dict(zip(M4, rates, strict=True))})
    assert kernels_here().name == "accelerate"  # as long as this process lives
    kernel_choice._kept.cache_clear()
    found = kernels_here()
    assert found.name == name
    assert found.why == f"{why}, as profiled here"


def test_each_precision_has_its_own_fastest(kernels):
    kernels()
    rates = {"float32": (100, 50, 80), "bfloat16": (60, 60, 90), "int8": (100, 110, 100)}
    keep({precision: dict(zip(M4, each, strict=True)) for precision, each in rates.items()})
    found = {precision: kernels_here(precision).name for precision in rates}
    assert found == {"float32": "accelerate", "bfloat16": "sme", "int8": "baseline"}
    assert numerics.numerics("bfloat16")["native"] == "sme kernels in bfloat16"
    assert "mlx-muzero profile would compare" in kernels_here("float16").why


def changed(path, **facts):
    kept = json.loads(path.read_text())
    path.write_text(json.dumps(kept | facts))


@pytest.mark.parametrize(
    "facts",
    [
        {"measured_on": {"node": "another"}},
        {"rates": {"float32": {"accelerate": 1.0, "sme": 9.0}}},
        {"rates": {"float32": {"accelerate": 0.0, "baseline": 1.0, "sme": 9.0}}},
        {"rates": {"float32": {"accelerate": 1.0, "baseline": 1.0, "sme": "fast"}}},
        {"rates": {"float32": [1.0]}},
        {"rates": {"accelerate": 1.0, "baseline": 1.0, "sme": 9.0}},  # as once, in one precision
        {"rates": [1.0]},
    ],
)
def test_what_does_not_hold_here_is_not_believed(kernels, tmp_path, facts):
    kernels()
    keep({"float32": {"accelerate": 1.0, "baseline": 1.0, "sme": 9.0}})
    changed(tmp_path / "kernels.json", **facts)
    assert kernels_here().name == "accelerate"


def test_a_file_that_is_none_is_not_believed(kernels, tmp_path):
    kernels()
    (tmp_path / "kernels.json").write_text("[")
    assert kernels_here().name == "accelerate"


def test_the_environment_names_others(kernels, monkeypatch):
    kernels()
    keep({"float32": {"accelerate": 1.0, "baseline": 1.0, "sme": 9.0}})
    monkeypatch.setenv(kernel_choice.VARIABLE, "baseline")
    assert kernels_here() == ("baseline", "named by MLX_MUZERO_KERNELS")
    assert numerics.numerics()["native"] == "baseline kernels"
    assert kernel_choice.contenders() == ("baseline",)
    monkeypatch.setenv(kernel_choice.VARIABLE, "amx")
    with pytest.raises(ConfigError, match="'amx' is not among the kernels here: accelerate, base"):
        kernels_here()


def test_a_trial_ends(kernels):
    kernels()
    with computing_with("sme"):
        assert kernels_here().name == "sme"
    assert kernels_here().name == "accelerate"
