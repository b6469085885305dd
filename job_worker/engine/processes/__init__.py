"""The processes: a supervisor that claims, and forked executors that run one job each."""
