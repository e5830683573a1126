"""What a message says: letters in the reader's language and the venue's look, and calendar files.

Nothing here sends anything, opens a transaction or knows a web framework: workers send letters,
the admin shows them.
"""
