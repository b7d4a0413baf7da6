"""A Price List and a history of spot prices that answer as AWS documents it, on the loopback.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

HISTORY = """<?xml version="1.0" encoding="UTF-8"?>
<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>r</requestId><spotPriceHistorySet>{items}</spotPriceHistorySet><nextToken/>
</DescribeSpotPriceHistoryResponse>"""
REFUSAL = """<Response><Errors><Error><Code>UnauthorizedOperation</Code>
<Message>You are not authorized to perform this operation.</Message></Error></Errors>
<RequestID>r</RequestID></Response>"""


def product(service: str, usd: float | dict[str, float], **attributes: str) -> dict[str, Any]:
    """A product of the Price List; several prices are tiers, by the end of their range."""
    ends = usd if isinstance(usd, dict) else {"Inf": usd}
    dimensions = {
        f"sku.term.{end}": {
            "unit": "any",
            "beginRange": "0",
            "endRange": end,
            "pricePerUnit": {"USD": f"{price:.10f}"},
        }
        for end, price in ends.items()
    }
    term = {"effectiveDate": "2026-11-01T00:00:00Z", "priceDimensions": dimensions}
    return {
        "serviceCode": service,
        "product": {"attributes": attributes},
        "terms": {"OnDemand": {"sku.term": term}},
    }


@dataclass
class PriceServer:
    """What is listed, what spot has cost (type, zone, time, USD), and what was asked."""

    products: list[dict[str, Any]] = field(default_factory=list)
    history: list[tuple[str, str, str, float]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def list_products(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer GetProducts, a product a page."""
        wanted = {item["Field"]: item["Value"] for item in request["Filters"]}
        fits = [
            json.dumps(item)
            for item in self.products
            if item["serviceCode"] == request["ServiceCode"]
            and wanted.items() <= item["product"]["attributes"].items()
        ]
        page = int(request.get("NextToken", 0))
        more = {"NextToken": str(page + 1)} if page + 1 < len(fits) else {}
        return {"FormatVersion": "aws_v1", "PriceList": fits[page : page + 1], **more}

    def list_history(self, request: Mapping[str, list[str]]) -> str:
        """Answer DescribeSpotPriceHistory."""
        types = {values[0] for name, values in request.items() if name.startswith("InstanceType")}
        items = "".join(
            f"<item><instanceType>{name}</instanceType><availabilityZone>{zone}</availabilityZone>"
            f"<timestamp>{time}</timestamp><spotPrice>{usd:f}</spotPrice>"
            "<productDescription>Linux/UNIX</productDescription></item>"
            for name, zone, time, usd in self.history
            if name in types
        )
        return HISTORY.format(items=items)


@contextmanager
def serve_prices() -> Iterator[tuple[PriceServer, str]]:
    """Start a server; yield what it answers with, and its address."""
    prices = PriceServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers.get("X-Amz-Target", "")
            operation = target.rpartition(".")[2] or parse_qs(body)["Action"][0]
            request = json.loads(body) if target else parse_qs(body)
            prices.asked.append({"operation": operation, "request": request})
            if operation in prices.refuses:
                refusal = {"__type": "AccessDeniedException", "message": "not authorized"}
                self._answer(400 if target else 403, json.dumps(refusal) if target else REFUSAL)
            elif target:
                self._answer(200, json.dumps(prices.list_products(request)))
            else:
                self._answer(200, prices.list_history(request))

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield prices, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
