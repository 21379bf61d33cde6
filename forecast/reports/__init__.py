"""Reports: one view of a question, or of a whole watch, and several formats that say the same.

`view` and `watch` gather the facts; `as_json`, `terminal` and `html` write them down.
"""
