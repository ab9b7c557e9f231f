"""An example of each operation of the API, for its description and its reference."""
