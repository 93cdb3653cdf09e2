"""What a server does with Segment's client for Python; started by a test, with that client on its path."""

import sys
from datetime import UTC, datetime

from segment import analytics

analytics.host, analytics.write_key, visitor = sys.argv[1:]
analytics.gzip = True
analytics.upload_size = 10
failed = []
analytics.on_error = lambda error, _items: failed.append(error)

analytics.identify("bob", {"plan": "free"}, anonymous_id=visitor)
analytics.page("bob", None, "Cart", {"url": "https://shop.example/cart"})
analytics.screen("bob", None, "Start")
analytics.group("bob", "acme", {"employees": 12})
analytics.alias(visitor, "bob")
for number in range(25):
    when = datetime(2026, 11, 20, 12, 0, number, tzinfo=UTC)
    analytics.track("bob", "Order Completed", {"number": number, "revenue": 19.99}, timestamp=when)
analytics.shutdown()
sys.exit(str(failed) if failed else 0)
