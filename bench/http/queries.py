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
QUERIES = {
    "exact": "q=text+editor",
    "typo": "q=text+editr",
    "prefix": "q=edi",
    "filter + facet": "q=server&filter_by=section:=[net,web,admin]&facet_by=section,maintainer",
}


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
    for name, query in QUERIES.items():
        latencies = run(connection, key, query, seconds)
        p50, p99 = (latencies[int(len(latencies) * q)] * 1e3 for q in (0.5, 0.99))
        print(f"{name:15} {len(latencies) / seconds:7,.0f}/s  p50 {p50:5.2f} ms  p99 {p99:5.2f} ms")


if __name__ == "__main__":
    main()
