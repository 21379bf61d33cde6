"""Looks at a track on the draws that it has, fast enough to wait for: PyMC is not imported.

PyMC and ArviZ take longer to import than a look may take. What is written here again, in
NumPy, is held by tests to what the models and ArviZ say, to 1e-9. No family's update uses it.
"""
