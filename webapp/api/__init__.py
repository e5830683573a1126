"""The native API under /api/v1: thin views over the engine."""
