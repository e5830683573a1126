"""Messages: what they say, when they are owed, and how they go out over a bad mail server."""
