"""A folder without an export says where there is one."""

import pytest

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.manifest import Manifest


def test_of_a_run_the_folder_of_its_export_is_named(tmp_path):
    with pytest.raises(ExportError, match=r"no manifest.json there\); mlx-muzero export RUN"):
        Manifest.load(tmp_path)
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "manifest.json").write_text("{}")
    with pytest.raises(ExportError, match=rf"there\); name {tmp_path}/export\."):
        Manifest.load(tmp_path)
