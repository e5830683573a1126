"""The boats API: seats on departures. Thin: words into slots, the engine's verbs, its own shape."""
