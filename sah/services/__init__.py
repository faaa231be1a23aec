"""The use cases: they own the transactions, and never hold one open across an AWS call."""
