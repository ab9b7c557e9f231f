"""What the web app does when more is asked of it than it can do: it refuses the dearest first, with 429."""
