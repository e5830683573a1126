"""Real workers on a real broker."""
