"""What is personal, how long it is kept, and how it goes: by age, or on a person's wish."""
