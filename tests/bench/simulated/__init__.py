"""Verbs that read a cluster, on clusters whose nodes kwok simulates: requests, seconds and memory as nodes become many."""
