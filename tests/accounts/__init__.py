"""Accounts, tokens, limits and what guards the app from the network."""
