"""Queries per second and latencies of the demo's packages over one HTTP connection.

Whole documents and highlights are returned. Usage: queries.py [SECONDS for each query, default 4]
The server and its key come from KUMOSEARCH_URL and KUMOSEARCH_API_KEY.
"""
import http.client
import os
import sys
import time
import urllib.parse

PATH = "/collections/packages/documents/search?query_by=name,description&"
QUERIES = {  # name: (query, what Typesense answers a second on two cores)
    "exact": ("q=text+editor", 1126),
    "typo": ("q=text+editr", 822),
    "prefix": ("q=edi", 888),
    "filter + facet": (
        "q=server&filter_by=section:=[net,web,admin]&facet_by=section,maintainer", 218),
}
TIMES = 3  # as many a second as Typesense, at least
SLOWEST = 4  # times the median is what p99 may be


def run(connection, key, query, seconds):
    """Sorted latencies in seconds."""
    latencies = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        connection.request("GET", PATH + query, headers={"X-KUMOSEARCH-API-KEY": key})
        response = connection.getresponse()
        body = response.read()
        latencies.append(time.perf_counter() - start)
        if response.status != 200:
            sys.exit(f"bench http: {response.status} {body.decode()}")
    return sorted(latencies)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    key = os.environ["KUMOSEARCH_API_KEY"]
    server = urllib.parse.urlsplit(os.environ["KUMOSEARCH_URL"]).netloc
    connection = http.client.HTTPConnection(server)
    for name, (query, peer) in QUERIES.items():
        latencies = run(connection, key, query, seconds)
        p50, p99 = (latencies[int(len(latencies) * q)] * 1e3 for q in (0.5, 0.99))
        print(f"{name:15} {len(latencies) / seconds:7,.0f}/s (target {TIMES * peer:,}/s)  "
              f"p50 {p50:5.2f} ms  p99 {p99:5.2f} ms (target {SLOWEST * p50:5.2f} ms)")


if __name__ == "__main__":
    main()
