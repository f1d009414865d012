"""Shared memory: both sides see the same tensors, each in a place of its own."""

import os

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.exports.buffers import Buffers, allocate, size_bytes
from mlx_muzero.exports.manifest import ProgramEntry

shapes = st.tuples(*[st.integers(1, 5)] * 4)
tensors = st.dictionaries(st.sampled_from("abcd"), shapes, min_size=1)


def entry(rows, inputs, outputs):
    return ProgramEntry("recurrent", rows, "p.mlpackage", None, {}, inputs, outputs, {})


@given(st.lists(st.tuples(tensors, tensors), min_size=1, max_size=3))
def test_what_one_side_writes_the_other_reads(shapes_of_programs):
    programs = [
        entry(rows, inputs, outputs) for rows, (inputs, outputs) in enumerate(shapes_of_programs, 1)
    ]
    descriptor = allocate(size_bytes(programs))
    parent, child = Buffers(descriptor, programs), Buffers(descriptor, programs[::-1])
    os.close(descriptor)

    def views(side):
        for program in programs:
            for kind, shapes in (("inputs", program.inputs), ("outputs", program.outputs)):
                for name, shape in shapes.items():
                    view = getattr(side, kind)[program.key][name]
                    assert (view.shape, view.dtype) == (shape, np.float32)
                    assert view.ctypes.data % 64 == 0
                    yield view

    written = list(views(parent))
    for number, view in enumerate(written, 1):
        view[...] = number
    for number, view in enumerate(views(child), 1):
        assert (view == number).all()
