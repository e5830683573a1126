"""Tests of the reports: their figures, their files, and how they are made."""
