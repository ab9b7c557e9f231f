"""The shipped model: where its weights come from, and how its file is made."""
