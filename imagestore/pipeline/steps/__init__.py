"""How an upload becomes a record: the steps, the messages that begin them, and what becomes of those that fail."""
