"""This machine, and a Mac by what its kernel would answer."""

import os
import resource
from types import SimpleNamespace

import pytest

from fake_mac import KERNEL, become_a_mac
from mlx_muzero import machine


def test_a_mac_computes_on_its_performance_cores(monkeypatch, tmp_path):
    become_a_mac(monkeypatch, tmp_path)
    assert machine.performance_cores() == 4


@pytest.mark.parametrize("answers", [{}, {"hw.perflevel0.physicalcpu": bytes(4)}])
def test_a_mac_without_two_kinds_of_cores_computes_on_all(monkeypatch, tmp_path, answers):
    become_a_mac(monkeypatch, tmp_path, answers)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert machine.performance_cores() == 6


@pytest.mark.parametrize(("answers", "name"), [(KERNEL, "Apple M4"), ({}, "arm64")])
def test_a_mac_is_named_by_its_chip(monkeypatch, tmp_path, answers, name):
    become_a_mac(monkeypatch, tmp_path, answers)
    assert machine.processor() == name


def test_a_mac_counts_memory_in_bytes(monkeypatch, tmp_path):
    used = SimpleNamespace(ru_maxrss=3_000_000)
    monkeypatch.setattr(resource, "getrusage", lambda who: used)
    become_a_mac(monkeypatch, tmp_path)
    assert machine.peak_memory_mb() == pytest.approx(6.0)
    monkeypatch.setattr(machine.sys, "platform", "linux")
    assert machine.peak_memory_mb() == pytest.approx(6144.0)


def test_a_mac_has_a_folder_for_caches(monkeypatch, tmp_path):
    become_a_mac(monkeypatch, tmp_path)
    assert machine.cache_folder() == tmp_path / "Library" / "Caches" / "mlx_muzero"
