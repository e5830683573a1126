"""What is personal goes: by age, on a person's wish, and again after a restore."""
