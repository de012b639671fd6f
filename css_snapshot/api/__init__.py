"""The vendor's API as data: what each call is, how it is written and read."""
