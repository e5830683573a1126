"""The engine: holds, decisions, slots, states, events, notices. It knows no HTTP and no trade."""
