"""Results as one self-contained web page (ADR 33).

`contents` says what a page can show, `packing` how its arrays are kept in it, and `file` puts them
into the template of the folder ``assets``. The other modules make contents of results.
"""
