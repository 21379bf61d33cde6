"""Importing PyMC raises the recursion limit, which Hypothesis must not see happen in a test."""

import pymc  # noqa: F401
