"""Reports: what each tells, how its files are written, and the rows by which they are made."""
