"""Every question that a store answers; the same structs cross the store link."""

from storage.health import StoreHealthQuery
from storage.query.erasure import EraseQuery
from storage.query.events import ExportQuery
from storage.query.metrics import MetricsQuery
from storage.query.pivot import PivotQuery
from storage.query.receipts import ReceiptQuery
from storage.query.rederivation import RederiveQuery
from storage.query.rejected import PersonRejectedQuery, RejectedQuery, RejectedRawQuery
from storage.query.visits import BreakdownQuery, SummaryQuery, VisitsQuery

Query = (
    VisitsQuery
    | BreakdownQuery
    | SummaryQuery
    | MetricsQuery
    | ExportQuery
    | PivotQuery
    | ReceiptQuery
    | RejectedQuery
    | RejectedRawQuery
    | PersonRejectedQuery
    | StoreHealthQuery
    | EraseQuery
    | RederiveQuery
)
