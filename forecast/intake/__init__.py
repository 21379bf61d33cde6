"""From what others write to facts: files and rows are read, judged, and remembered."""
