"""What a command writes, for people and for programs."""
