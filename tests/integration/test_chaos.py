"""A short chaos run: what `make chaos` does with few strikes (docs/runbooks/chaos.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.attempts import attempts
from tests.chaos.campaign import Campaign
from tests.chaos.plan import plan
from tests.chaos.results import table
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.long

SEED = 4
STRIKES = 4
KINDS = ("killed-run", "killed-java", "stopped-api", "full-disk")
"""Those that cost seconds. A node that is booted again takes a minute: `make chaos` does that."""


def test_faults_during_site_lose_no_entry_and_no_acknowledged_write(
    lab: RunningLab, tmp_path: Path
) -> None:
    campaign = Campaign(lab, tmp_path, print)
    try:
        campaign.deploy()
        strikes = plan(SEED, STRIKES, ["site"], KINDS)
        results = [result for one in strikes for result in attempts(campaign.strike, one)]
        bad = [result for result in results if not result.holds]
        assert not bad, f"{table(results)}\n{bad[0].error}\n{campaign.dump()}"
        hit = [result.strike.fault for result in results if result.is_good]
        assert sorted(hit) == sorted(KINDS), table(results)
    finally:
        campaign.remove()
