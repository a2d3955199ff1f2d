"""Factories of reference data. Documents in mid-life are made by calling the verbs."""
