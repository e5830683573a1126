"""`bench`: what Holdfast does in a second, against references measured in the same run."""
