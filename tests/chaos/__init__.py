"""Seeded faults during the verbs: every verb converges when it is run again, and no metadata is lost."""
