"""Stacking: one probability from those of families, analysts and markets, weighed by their record.

The mathematics is in `models.pool.stack`.
"""
