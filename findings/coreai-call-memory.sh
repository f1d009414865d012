#!/bin/sh
# coreai-core 1.0.0b3 keeps the future that it has answered: each call of a function leaves one asyncio
# Future, with its context and handle, to the end of the process, half a kilobyte, whatever the sizes of
# inputs and outputs (Linux x86-64). Who calls it for hours needs a loop of his own. A program of one
# addition whose output is a state, called 4,000 times from asyncio. Seen: "4000 calls left 4000 futures".
# Exits 1 if they are freed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install -qq --disable-pip-version-check --target "$folder" coreai-core==1.0.0b3
PYTHONPATH="$folder" "${PYTHON:-python3}" - "$folder" 2>/dev/null <<'PROGRAM'
import asyncio, gc, sys
from pathlib import Path
from typing import Annotated
import numpy as np
from coreai import authoring as ca
from coreai._compiler.ir import DictAttr, StringAttr
from coreai.runtime import NDArray
CALLS, ONE = 4000, ca.TensorType((1, 4), np.float32)
def plus(x: Annotated[ca.Value, ONE], held_y: Annotated[ca.Value, ONE]) -> Annotated[
        ca.Value, ca.TensorType((1, 4), np.float32, name="y")]:
    return ca.broadcasting_add(x, np.float32(1.0))
module = ca.Module.create()
with module:
    graph = ca.graph(plus, provided_name="plus")._callable
    named = [{n.name: n.attr for n in argument} for argument in graph.arg_attrs]
    named[1]["MutableBuffers.buffer_mutation"] = StringAttr.get("y")
    graph.arg_attrs = [DictAttr.get(argument) for argument in named]
asset = ca.AIProgram(module).save_asset(Path(sys.argv[1], "plus.aimodel"))
async def main():
    async with asset.executable() as model:
        call = model.load_function("plus")
        state = {"held_y": NDArray.from_descriptor(call.desc.state_descriptor("held_y"))}
        inputs = {"x": NDArray(np.zeros((1, 4), np.float32))}
        for _ in range(CALLS):
            await call(inputs, state)
        gc.collect()
        left = sum(type(thing).__name__ == "Future" for thing in gc.get_objects())
        del call
    print(CALLS, "calls left", left, "futures")
    return left
sys.exit(asyncio.run(main()) < CALLS // 2)
PROGRAM
