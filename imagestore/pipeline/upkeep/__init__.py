"""What keeps the stores in order: looked for, compared, done again, made anew."""
