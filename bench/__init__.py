"""Measurements: how fast retailhub is, as ratios to what raw SQL does on the same server in the same minute."""
