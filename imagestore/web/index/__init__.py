"""The copy of the records that lists, searches, counts and choices are asked of."""
