"""Celery tasks of two or three lines, and the sweeper. No rules."""
