"""The shape of what people enter; the rules are in the services."""
