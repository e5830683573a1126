"""Crashes and faults, and the referee that judges them."""
