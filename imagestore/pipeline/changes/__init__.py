"""Changes of many pictures at once, each of which can be undone exactly."""
