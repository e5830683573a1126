"""The boats API."""
