"""What benchmarks have in common: two sides on one server, repetitions, a report. Standard library only."""
