"""What takes more than one vendor call."""
