"""The owners' house, from outside: as a browser meets it."""
