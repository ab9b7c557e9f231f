"""How good a version is, told from what it said of held-out pictures: at any threshold, by label, picture by picture,
and beside another version. No model is run for it."""
