"""Backups: what an instance keeps, in a folder or a container elsewhere, and how it comes back.

A backup is a folder of contents by their SHA-256 and of snapshots, each a manifest and lists (format.py). docs/years.md
says what is in it, what is not, and what must be kept apart.
"""
