"""The restaurant API: tables at a time of day. Thin: words into slots, the engine's verbs, its own
shape.
"""
