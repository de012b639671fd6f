"""The journal of a run: a SQLite file with an entry per target."""
