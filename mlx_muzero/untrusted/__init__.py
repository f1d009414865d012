"""Values and text from files, venues and journals, checked where they enter."""
