"""Charts as SVG text: pure functions from a report's view to a string, one module a chart.

Every chart is drawn twice, wide and narrow, so that its letters keep their size on a phone.
Colours come from the page's style sheet by class; marks differ in shape as well.
"""

WIDE = 720.0
NARROW = 340.0
