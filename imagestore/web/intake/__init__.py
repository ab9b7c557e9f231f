"""Reads what is sent, in bounded memory, and writes uploads to their container."""
