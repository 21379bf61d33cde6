"""How we infer: from a snapshot of what was known to probabilities with their error.

`models.api` is the contract; importing it costs nothing. PyMC is imported by the families
that need it, when they run.
"""
