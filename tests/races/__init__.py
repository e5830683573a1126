"""Several connections at once, each race with a twin that takes its protection out."""
