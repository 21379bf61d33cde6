"""How we tell: deciding, wording, signing and delivering alerts.

Imports `forecast` only, and nothing heavy when it is itself imported.
"""
