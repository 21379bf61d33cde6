"""`tocsin backtest`: what would have been forecast at each origin of the past, and its scores.

tasks.py, files.py    what is asked, and the facts: from tasks.json, TOML, flags and CSV
origins.py, risk.py   when forecasts are made, when the model is refitted, who is at risk
blocks.py             one refit and the forecasts until the next: the unit of work
planting.py           the leak check: what becomes known later must change nothing
walk.py, parts.py     all blocks on an executor, those that are kept already left out
score.py              from forecasts to the result that is stored and shown
"""
