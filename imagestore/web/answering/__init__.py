"""What pages and API both tell, gathered from the stores, the index and the models."""
