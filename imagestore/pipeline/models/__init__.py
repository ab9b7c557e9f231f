"""Which models are live, for which uploads, and how a process holds them in memory."""
