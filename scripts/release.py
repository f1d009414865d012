"""Makes a release: checks its version, builds the files to publish, and tags the commit.

    python scripts/release.py --dry-run       all but the tag
    python scripts/release.py                 and the tag, of a clean working tree
    python scripts/release.py --check TAG     only that version, changelog and TAG agree

Builds the source distribution, from it the wheel of this machine, and the documentation site, with
their checksums, in dist/. The wheel is installed into a new environment and asked for its version.
Pushing the tag lets .github/workflows/release.yml build the wheels of every system and draft the
release.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
CHECKSUMS = "SHA256SUMS"

_SECTION = re.compile(
    r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?$", re.MULTILINE
)
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


class ReleaseError(Exception):
    """Why a release is not possible, and what to do about it."""


@dataclass(frozen=True)
class Release:
    """A version of the project.

    Attributes:
        version: as in pyproject.toml, ``1.2.3``.
        notes: what its section of the changelog says.
    """

    version: str
    notes: str

    @property
    def tag(self) -> str:
        """The tag of its commit."""
        return f"v{self.version}"


def release_of(root: Path) -> Release:
    """The release that the files below `root` agree on.

    Raises:
        ReleaseError: they disagree, or the changelog does not tell of it.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    found = _VERSION.search((root / "mlx_muzero" / "__init__.py").read_text())
    if not found or found[1] != version:
        raise ReleaseError(
            f"pyproject.toml has version {version}, mlx_muzero/__init__.py "
            f"{found[1] if found else 'none'}; set both to the version you release"
        )
    return Release(version, notes_of((root / "CHANGELOG.md").read_text(), version))


def notes_of(changelog: str, version: str) -> str:
    """The notes of `version`, which must be the newest, from `changelog`.

    Raises:
        ReleaseError: it is not, has no date, or nothing is said of it; or something is unreleased.
    """
    heads = list(_SECTION.finditer(changelog))
    ends = [head.start() for head in heads[1:]] + [len(changelog)]
    sections = [
        (head, changelog[head.end() : end].strip()) for head, end in zip(heads, ends, strict=False)
    ]
    if sections and sections[0][0]["version"] == "Unreleased":
        if sections[0][1]:
            raise ReleaseError(
                f'CHANGELOG.md has changes under "Unreleased"; move them under [{version}]'
            )
        sections = sections[1:]
    if not sections or sections[0][0]["version"] != version:
        newest = sections[0][0]["version"] if sections else "none"
        raise ReleaseError(f"the newest version of CHANGELOG.md is {newest}, not {version}")
    head, notes = sections[0]
    if not head["date"]:
        raise ReleaseError(f"CHANGELOG.md: write the date after [{version}], as - 2026-01-31")
    if not notes:
        raise ReleaseError(f"CHANGELOG.md says nothing of {version}")
    return notes


def require_tag(release: Release, tag: str) -> None:
    """Check that `tag` is the one of `release`.

    Raises:
        ReleaseError: it is another one.
    """
    if tag != release.tag:
        raise ReleaseError(f"the tag is {tag}, but the version's is {release.tag}")


def require_untagged_and_clean(release: Release) -> None:
    """Check that the working tree equals the commit to be tagged.

    Raises:
        ReleaseError: it has changes, or the tag is there already.
    """
    if changed := _output("git", "status", "--porcelain"):
        raise ReleaseError(f"commit or remove what has changed first:\n{changed}")
    if _output("git", "tag", "--list", release.tag):
        raise ReleaseError(f"{release.tag} exists already; releases are never changed")


def build(release: Release) -> list[Path]:
    """Build the files to publish, in an empty dist/, and return them."""
    DIST.mkdir(exist_ok=True)
    for old in DIST.iterdir():
        old.unlink()
    _run(sys.executable, "-m", "build", "--outdir", DIST, ROOT)
    _run(ROOT / "scripts" / "docs")
    with tarfile.open(DIST / f"mlx_muzero-{release.version}-site.tar.gz", "w:gz") as archive:
        archive.add(ROOT / "build" / "site", f"mlx_muzero-{release.version}-site")
    return sorted(DIST.iterdir())


def require_working_wheel(release: Release, wheel: Path) -> None:
    """Install `wheel` into a new environment, load its core, and ask the command for its version.

    Raises:
        ReleaseError: the command says another one.
    """
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        _run(programs / "python", "-m", "pip", "install", "--quiet", wheel)
        # Not from ROOT, whose packages would be imported instead of the wheel's.
        _run(programs / "python", "-c", "import mlx_muzero.search", cwd=Path(folder))
        said = _output(programs / "mlx-muzero", "--version", cwd=Path(folder))
    if said != f"mlx-muzero {release.version}":
        raise ReleaseError(f"{wheel.name} says it is {said}")


def write_checksums(files: Sequence[Path], target: Path) -> None:
    """Write the SHA-256 of each file to `target`, as sha256sum does."""
    lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    target.write_text("".join(lines))


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    subprocess.run(command, check=True, cwd=cwd)


def _output(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, check=True, cwd=cwd, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def main() -> None:
    """Make the release that the arguments ask for."""
    parser = argparse.ArgumentParser(description="Check, build and tag a release.")
    parser.add_argument("--dry-run", action="store_true", help="do everything but the tag")
    parser.add_argument("--check", metavar="TAG", help="only check that all agree with TAG")
    parser.add_argument("--notes", type=Path, help="write the changelog's section to this file")
    options = parser.parse_args()
    try:
        release = release_of(ROOT)
        if options.notes:
            options.notes.write_text(release.notes + "\n")
        if options.check:
            require_tag(release, options.check)
            return
        if not options.dry_run:
            require_untagged_and_clean(release)
        files = build(release)
        (wheel,) = DIST.glob("*.whl")
        require_working_wheel(release, wheel)
        write_checksums(files, DIST / CHECKSUMS)
        print((DIST / CHECKSUMS).read_text(), end="")
        if not options.dry_run:
            message = f"mlx_muzero {release.version}\n\n{release.notes}"
            # Headings in the notes start with "#", which git would take for comments.
            _run("git", "tag", "--cleanup=whitespace", "-a", release.tag, "-m", message)
            print(f"tagged; publish it with: git push origin {release.tag}")
    except ReleaseError as error:
        sys.exit(f"no release: {error}")


if __name__ == "__main__":
    main()
