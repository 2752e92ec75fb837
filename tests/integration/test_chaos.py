"""Short chaos runs: what `make chaos` does with few strikes (docs/runbooks/chaos.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.attempts import attempts
from tests.chaos.campaign import Campaign
from tests.chaos.plan import Strike, plan
from tests.chaos.results import table
from tests.integration.lab_under_test import RunningLab

SEED = 4
KINDS = ("killed-run", "killed-java", "stopped-api", "full-disk")
"""Those that cost seconds. A node that is booted again takes a minute: `make chaos` does that."""
SHORT_SEED, SHORT = 126, ("killed-run", "killed-java")
"""Both fall into the wait for what restarts: nobody has measured the verb here, and a miss is struck again."""


def struck(campaign: Campaign, strikes: Sequence[Strike]) -> None:
    """Deploy, strike, judge, and take everything away."""
    try:
        campaign.deploy()
        results = [result for one in strikes for result in attempts(campaign.strike, one)]
        bad = [result for result in results if not result.holds]
        assert not bad, f"{table(results)}\n{bad[0].error}\n{campaign.dump()}"
        hit = [result.strike.fault for result in results if result.is_good]
        assert sorted(hit) == sorted(strike.fault for strike in strikes), table(results)
    finally:
        campaign.remove()


def test_a_killed_run_and_a_killed_master_lose_nothing(lab: RunningLab, tmp_path: Path) -> None:
    """With one master, which is deployed sooner and has no other to lean on."""
    campaign = Campaign(lab, tmp_path, print, masters=1)
    struck(campaign, plan(SHORT_SEED, len(SHORT), ["site"], SHORT))


@pytest.mark.long
def test_faults_during_site_lose_no_entry_and_no_acknowledged_write(
    lab: RunningLab, tmp_path: Path
) -> None:
    struck(Campaign(lab, tmp_path, print), plan(SEED, len(KINDS), ["site"], KINDS))
