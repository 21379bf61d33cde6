"""The dashboard: pages made here from the store, in the words and charts of the reports.

One module a page: a router and the small functions that gather what its template shows. A page
reads the store, and asks for what is to be done (`forecast.requests`), as the API does.
"""
