"""Every request that this run has made to the simulated Amazon, and every answer, against Amazon's own models.

Runs last (see `pytest_collection_modifyitems`). The models are Amazon's and not committed: without them it skips.
"""

import pytest

from tests.amazon.conformance import findings, models_folder, read_journal
from tests.amazon.harness import JOURNALS


@pytest.mark.runs_last
def test_every_request_of_this_run_fits_amazons_models() -> None:
    folder = models_folder()
    if folder is None:
        pytest.skip("Amazon's models are not here: ../shared/sp-api-models is missing")
    exchanges = [exchange for journal in JOURNALS if journal.exists() for exchange in read_journal(journal)]
    if not exchanges:
        pytest.skip("no test of this run spoke to the simulated Amazon")

    assert findings(exchanges, folder) == []
