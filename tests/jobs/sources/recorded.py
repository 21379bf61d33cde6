"""Payloads of the shape that services send; the contents are made up."""

import json

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>The Desk</title><link>https://desk.example/</link>
<language>en</language>
<item><title>Carrier group sails &amp;amp; waits</title><link>https://desk.example/1</link>
<guid isPermaLink="false">tag:desk,2025:1</guid>
<pubDate>Fri, 28 Nov 2025 09:30:00 GMT</pubDate>
<source url="https://agencia.example/rss">Agencia</source>
<description><![CDATA[<p>The group <b>left</b> Norfolk.</p><script>alert(1)</script>
<p>Officials said &lt;nothing&gt; more.</p>]]></description></item>
<item><title>No date, no guid</title><link>https://desk.example/2</link></item>
<item><title>No link either</title></item>
</channel></rss>
"""
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title><id>urn:wire</id>
<updated>2025-11-28T08:00:00Z</updated>
<entry><title type="html">&lt;em&gt;Embargo&lt;/em&gt; near</title><id>urn:wire:1</id>
<link href="https://wire.example/1"/><updated>2025-11-28T08:00:00Z</updated>
<published>2025-11-28T09:00:00+02:00</published><summary>Short.</summary>
<content type="html">&lt;p&gt;All of the text, longer than the summary.&lt;/p&gt;</content>
</entry></feed>
"""
JSON = json.dumps(
    {
        "data": {
            "items": [
                {"id": 1, "when": {"at": "2025-11-28T06:00:00Z"}, "wind": [{"knots": 34.5}]},
                {"id": 2, "when": {"at": "2025-11-28T12:00:00Z"}, "wind": []},
                "neither",
            ]
        }
    }
)
CSV = """Time,Knots,Remark
2025-11-28T06:00:00Z,34.5,"a, b"
2025-11-28T12:00:00Z,40,
2025-11-28T18:00:00Z,41
"""
GDELT = json.dumps(
    {
        "articles": [
            {
                "url": "https://r.com/1",
                "url_mobile": "",
                "title": "US warships near Venezuela , officials say",
                "seendate": "20251128T183000Z",
                "socialimage": "https://r.com/1.jpg",
                "domain": "reuters.com",
                "language": "English",
                "sourcecountry": "United States",
            },
            {
                "url": "https://eluniversal.example/2",
                "url_mobile": "",
                "title": "Buques de guerra",
                "seendate": "20251128T184500Z",
                "socialimage": "",
                "domain": "eluniversal.example",
                "language": "Spanish",
                "sourcecountry": "Venezuela",
            },
        ]
    }
)
ACLED = json.dumps(
    {
        "status": 200,
        "success": True,
        "last_update": 4,
        "count": 2,
        "messages": [],
        "data": [
            {
                "event_id_cnty": "VEN14201",
                "event_date": "2025-11-21",
                "year": 2025,
                "time_precision": 1,
                "disorder_type": "Demonstrations",
                "event_type": "Protests",
                "sub_event_type": "Peaceful protest",
                "actor1": "Protesters (Venezuela)",
                "country": "Venezuela",
                "iso": 862,
                "admin1": "Zulia",
                "location": "Maracaibo",
                "latitude": "10.6317",
                "longitude": "-71.6406",
                "source": "El Pitazo",
                "source_scale": "National",
                "notes": "On 21 November 2025, teachers protested in Maracaibo.",
                "fatalities": 0,
                "timestamp": 1764086400,
            },
            {
                "event_id_cnty": "VEN14202",
                "event_date": "2025-11-22",
                "year": 2025,
                "disorder_type": "Political violence",
                "event_type": "Explosions/Remote violence",
                "sub_event_type": "Air/drone strike",
                "actor1": "Military Forces of the United States",
                "country": "Venezuela",
                "source": "Reuters",
                "notes": "On 22 November 2025, a boat was struck.",
                "fatalities": 3,
                "timestamp": 1764090000,
            },
        ],
    }
)
UCDP = json.dumps(
    {
        "TotalCount": 2,
        "TotalPages": 2,
        "PreviousPageUrl": "",
        "NextPageUrl": "https://ucdpapi.pcr.uu.se/api/gedevents/25.0.10?pagesize=1&page=1",
        "Result": [
            {
                "id": 551001,
                "relid": "VEN-2025-1-1-1",
                "year": 2025,
                "type_of_violence": 1,
                "conflict_name": "Venezuela: Government",
                "dyad_name": "Government of Venezuela - X",
                "country": "Venezuela",
                "country_id": 101,
                "date_start": "2025-10-03T00:00:00",
                "date_end": "2025-10-03T00:00:00",
                "source_office": "Reuters",
                "source_headline": "Four killed",
                "where_coordinates": "Zulia",
                "best": 4,
                "high": 4,
                "low": 4,
            }
        ],
    }
)
