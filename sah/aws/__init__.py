"""The only place that talks to AWS: frozen results out, SAH's own errors up."""
