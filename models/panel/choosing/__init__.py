"""Choosing how a panel is learnt, by leave-future-out, without overfitting to the past.

candidates.py   a small grid around the defaults, one axis after the other
support.py      what so many events can tell apart, and what they cannot
differences.py  paired differences of losses, and how sure they are
search.py       the walk along the axes: the default stands until it is beaten surely
table.py        from the table that files hold to settings, and back

All of it is pure: who judges candidates, and on what, is an argument. Importing it imports no
PyMC.
"""
