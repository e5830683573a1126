"""What `./holdfast bench` measures against, and with: a reference and generators of load."""
