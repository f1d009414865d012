"""What a paper session keeps: store, journal, and how each is checked against the other."""
