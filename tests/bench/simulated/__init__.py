"""Verbs that read a cluster, on clusters whose nodes kwok simulates: requests, time and memory as nodes become many."""
