"""The pages: what each shows, and the forms by which people come in."""
