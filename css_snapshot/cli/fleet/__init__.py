"""What the commands for many clusters share."""
