"""Compares two datasets bit for bit."""

import dataclasses

import numpy as np


def columns(value, name=""):
    """Every array within a dataset, by name."""
    if isinstance(value, np.ndarray):
        return {name: value}
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif isinstance(value, tuple):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {}
    return {k: v for part, of in value.items() for k, v in columns(of, f"{name}.{part}").items()}


def require_same(dataset, other):
    ours, others = columns(dataset), columns(other)
    assert list(ours) == list(others)
    for name, column in ours.items():
        assert column.dtype == others[name].dtype, name
        np.testing.assert_array_equal(column, others[name], err_msg=name)
    assert dataset.summary == other.summary
    assert dataset.series_from_ns == other.series_from_ns
    assert dataset.series_to_ns == other.series_to_ns
    assert dataset.fx_week == other.fx_week
