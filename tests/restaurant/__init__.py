"""The restaurant API."""
