"""`faults`: kill, freeze, cut and fill what runs, under load, and judge what became of it.

The referee is no part of the product: it speaks HTTP to it, keeps a journal of its own of what was
promised, and afterwards reads the tables with plain SQL.
"""
