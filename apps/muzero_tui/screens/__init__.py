"""The five screens, and the sheets that open above them."""
