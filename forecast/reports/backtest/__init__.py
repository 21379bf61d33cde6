"""The report of a backtest: one view, and several formats that say the same.

`view` gathers what all formats need, `opening` is its first sentence, `sections` and `record` its
tables in words, `figures` how numbers are written; `terminal`, `html`, `markdown`, `as_json` and
`as_csv` write them down.
"""
