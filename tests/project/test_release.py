"""A release is one version everywhere, told of in the changelog."""

import hashlib
import re

import pytest

import release
from folders import ROOT

CHANGELOG = """# Changelog

## [Unreleased]

## [1.1.0] - 2026-02-01

### Added

- More.

## [1.0.0] - 2026-01-01

- All.
"""


def project(root, *, packaged="1.1.0", imported="1.1.0", changelog=CHANGELOG):
    (root / "mlx_muzero").mkdir()
    (root / "pyproject.toml").write_text(f'[project]\nversion = "{packaged}"\n')
    (root / "mlx_muzero" / "__init__.py").write_text(f'"""It."""\n__version__ = "{imported}"\n')
    (root / "CHANGELOG.md").write_text(changelog)
    return root


def test_a_release_has_the_notes_of_its_version(tmp_path):
    found = release.release_of(project(tmp_path))
    assert found == release.Release("1.1.0", "### Added\n\n- More.")
    release.require_tag(found, "v1.1.0")
    with pytest.raises(release.ReleaseError, match=r"tag is v1\.1, but the version's is v1\.1\.0"):
        release.require_tag(found, "v1.1")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"imported": "1.0.0"}, r"has version 1\.1\.0, mlx_muzero/__init__\.py 1\.0\.0; set both"),
        ({"packaged": "1.2.0", "imported": "1.2.0"}, r"newest version .* is 1\.1\.0, not 1\.2\.0"),
        (
            {"changelog": CHANGELOG.replace("## [1.1", "- New.\n\n## [1.1")},
            r'"Unreleased"; move them under \[1\.1\.0\]',
        ),
        (
            {"changelog": CHANGELOG.replace(" - 2026-02-01", "")},
            r"write the date after \[1\.1\.0\]",
        ),
        (
            {"changelog": CHANGELOG.replace("### Added\n\n- More.\n", "")},
            r"says nothing of 1\.1\.0",
        ),
        ({"changelog": "# Changelog\n"}, "is none, not"),
    ],
)
def test_what_disagrees_is_no_release(tmp_path, changes, reason):
    with pytest.raises(release.ReleaseError, match=reason):
        release.release_of(project(tmp_path, **changes))


def test_checksums_are_those_of_sha256sum(tmp_path):
    file = tmp_path / "a.whl"
    file.write_bytes(b"wheel")
    release.write_checksums([file], tmp_path / "SHA256SUMS")
    assert (tmp_path / "SHA256SUMS").read_text() == (
        f"{hashlib.sha256(b'wheel').hexdigest()}  a.whl\n"
    )


def test_the_version_is_the_same_everywhere():
    version = re.search(
        r'^__version__ = "(.+)"$', (ROOT / "mlx_muzero/__init__.py").read_text(), re.M
    )
    assert f'\nversion = "{version[1]}"\n' in (ROOT / "pyproject.toml").read_text()
    assert re.search(rf"^## \[{re.escape(version[1])}\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
