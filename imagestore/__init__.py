"""Intelligent Storage: pictures dropped into Blob Storage are classified and recorded in Cosmos DB."""

__version__ = "0.2.0"
