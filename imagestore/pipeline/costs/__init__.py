"""What pictures cost in Azure, and how they move to cheaper tiers."""
