"""What we know: the nouns, the clock, the configuration, the store and the reports.

Imports nothing else of ours, and nothing heavy when it is itself imported.
"""
