"""What a call costs, beside what it costs with others: `python -m benchmarks`."""
