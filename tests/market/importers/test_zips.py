"""Zip files, and files that are none: what cannot be read says what to do."""

import zipfile

import pytest

from market_files import refused, rows
from mlx_muzero.market.importers import import_file


def zipped(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return path


def test_a_zip_that_cannot_be_read_says_what_to_do(store, tmp_path):
    csv = "\n".join(rows("%Y%m%d %H%M%S", 200, ";0", ";"))
    beside = ("__MACOSX/._a.csv", "x"), ("a.txt", "a report")
    good = zipped(tmp_path / "USDJPY.zip", ("a.csv", csv), *beside)
    secret = tmp_path / "EURUSD.zip"
    # A zip says in its two headers that a member is encrypted.
    data = bytearray(zipped(secret, ("a.csv", csv)).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    secret.write_bytes(data)
    refused(store, secret, "is encrypted: unpack it with its password")
    data[data.index(b"PK\x01\x02") + 8] = data[6] = 0
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 99
    secret.write_bytes(data)
    refused(store, secret, "unpack it, and import the csv")
    refused(store, zipped(tmp_path / "none.zip", ("b.txt", "x")), "has none (it holds 'b.txt')")
    refused(store, zipped(tmp_path / "empty.zip"), "has none (it holds nothing): download it again")
    two = zipped(tmp_path / "two.zip", ("a.csv", csv), ("b\n.csv", csv))
    refused(store, two, "has 2 ('a.csv', 'b\\n.csv', ...): unpack it")
    assert import_file(store, good).inserted == 200


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_a_damaged_zip_is_refused_however_it_is_packed(store, tmp_path, method):
    csv = "\n".join(rows("%Y%m%d %H%M%S", 200, ";0", ";"))
    path = tmp_path / "USDJPY.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.csv", csv)
    data = bytearray(path.read_bytes())
    data[60:400] = bytes(340)
    path.write_bytes(data)
    refused(store, path, "cannot be read")


def test_a_zip_that_grows_beyond_measure_is_not_unpacked(store, tmp_path, monkeypatch):
    bomb = zipped(tmp_path / "USDJPY.zip", ("a.csv", "\n" * (65 << 20)))
    refused(store, bomb, "expand to 68,157,440, as no bars do")
