"""What a command says of a mistake."""

import json


def mistake(result, code, *words):
    """The command failed with `code` and one line, or a JSON object, that holds `words`."""
    got, out, err = result
    assert got == code, result
    if out:
        assert err == ""
        error = json.loads(out)["error"]
        assert error["exit_code"] == code
        lines = [f"error: {error['message']}"]
    else:
        lines = err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]
