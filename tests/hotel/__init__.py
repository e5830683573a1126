"""The room platform API, line by line along its contract."""
