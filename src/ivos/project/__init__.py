"""A project is one SQLite file, ``name.ivos``: it loses nothing, and undo has no end."""
