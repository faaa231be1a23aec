"""A program that calls the API, and holds every answer to its description."""
