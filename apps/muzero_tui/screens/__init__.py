"""The six screens, and the sheets that open above them."""
