"""Every request that this suite makes to a simulated Amazon, and every answer, is held against Amazon's own models.

`tests.amazon.harness.Amazon.running` does it whenever a simulator ends; here it is shown that it would notice. The
models are Amazon's and not committed: without them this skips, and says so.
"""

import json
from pathlib import Path

import pytest

from tests.amazon.conformance import models_folder
from tests.amazon.harness import Amazon


def test_a_request_that_amazons_models_do_not_know_is_noticed_when_the_simulator_ends(tmp_path: Path) -> None:
    if models_folder() is None:
        pytest.skip("Amazon's models are not here: ../shared/sp-api-models is missing")
    with pytest.raises(AssertionError, match="knows no query parameter"), Amazon.running(tmp_path) as amazon:
        order = amazon.order(amazon.account())
        spoilt: dict[str, object] = {
            "operation": "getOrder",
            "method": "GET",
            "path": f"/orders/2026-01-01/orders/{order['order_id']}",
            "query": [["MarketplaceIds", "ATVPDKIKX0DER"]],
            "header_names": ["x-amz-access-token"],
            "body": None,
            "status": 200,
            "fault": None,
            "response_header_names": ["x-amzn-requestid"],
            "response": {"order": {}},
        }
        with amazon.journal.open("a") as journal:
            journal.write(json.dumps(spoilt) + "\n")
