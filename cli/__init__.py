"""The command `imagestore`."""
