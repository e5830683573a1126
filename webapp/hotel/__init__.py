"""The room platform API: register, find rooms, book nights. Its clients expect the final word."""
