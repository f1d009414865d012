#!/bin/sh
# coreai-core 1.0.0b3: NDArray.numpy() of an array made by from_descriptor is said to share its buffer and is
# writable, but what is written through it does not reach a function that takes the array as input (Linux
# x86-64); an array made of the same numbers does. A program that adds one, asked with 5 written into a
# view, then with an array of 5. Seen: "through a view False from an array True". Exits 1 if both arrive.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install -qq --disable-pip-version-check --target "$folder" coreai-core==1.0.0b3
PYTHONPATH="$folder" "${PYTHON:-python3}" - "$folder" 2>/dev/null <<'PROGRAM'
import asyncio, sys
from pathlib import Path
from typing import Annotated
import numpy as np
from coreai import authoring as ca
from coreai.runtime import NDArray
ONE = ca.TensorType((1, 4), np.float32)
def plus(x: Annotated[ca.Value, ONE]) -> Annotated[
        ca.Value, ca.TensorType((1, 4), np.float32, name="y")]:
    return ca.broadcasting_add(x, np.float32(1.0))
module = ca.Module.create()
with module:
    ca.graph(plus, provided_name="plus")
asset = ca.AIProgram(module).save_asset(Path(sys.argv[1], "plus.aimodel"))
async def main():
    async with asset.executable() as model:
        call = model.load_function("plus")
        written = NDArray.from_descriptor(call.desc.input_descriptor("x"))
        view = written.numpy()
        assert view.flags.writeable
        view[:] = 5.0
        made = NDArray(np.full((1, 4), 5.0, np.float32))
        right = [bool(((await call({"x": x}))["y"].numpy() == 6.0).all()) for x in (written, made)]
        del call
    print("through a view", right[0], "from an array", right[1])
    return right
sys.exit(all(asyncio.run(main())))
PROGRAM
