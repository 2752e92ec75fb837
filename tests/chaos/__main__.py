"""Strike verbs with faults at seeded moments, on a lab of its own, and see that nothing is lost.

    python -m tests.chaos [--seed 1] [--faults 20] [--lab chaos] [--verbs site,upgrade] [--kinds dead-node]
                          [--from 12] [--only 3,7]

It ends at the first strike that loses something or does not converge, with exit code 1. A strike that hit nothing is
tried again, and does not count. KEEP=1 leaves the lab up.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from lab.errors import LabError
from tests.chaos.attempts import TRIES, attempts
from tests.chaos.campaign import Campaign
from tests.chaos.faults import KINDS
from tests.chaos.plan import Strike, plan, present
from tests.chaos.results import Result, as_json, table
from tests.chaos.verbs import CONVERTS, NEEDS
from tests.integration.lab_under_test import RunningLab
from tools.lab_session import LabFailedError, booted
from tools.repository import ROOT


def run(campaign: Campaign, strikes: Sequence[Strike], results: list[Result]) -> None:
    """Strike in order, with a line and a result for each try; the first bad one is the last: its traces stay."""
    for strike in strikes:
        began = time.monotonic()
        for result in attempts(campaign.strike, strike):
            results.append(result)
            print(
                f"{strike.number:>3} {strike.fault} ({result.victim}) during {strike.verb} at"
                f" {result.strike.at:.0%}: run {result.run}, {result.outcome},"
                f" {time.monotonic() - began:.0f} s",
                flush=True,
            )
            began = time.monotonic()
        if not results[-1].holds:
            return


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="the same seed strikes the same way")
    parser.add_argument("--faults", type=int, default=20, help="how many strikes")
    parser.add_argument("--lab", default="chaos", help="name of the lab to boot")
    parser.add_argument("--verbs", default=",".join(NEEDS), help="which verbs, with commas")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which faults, with commas")
    parser.add_argument(
        "--from", dest="first", type=int, default=1, help="the first strike of the plan by number"
    )
    parser.add_argument("--only", default="", help="strikes of the plan by number, with commas")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "chaos.json")
    return parser.parse_args(arguments)


def planned(options: argparse.Namespace) -> tuple[Sequence[Strike], list[Strike]]:
    """The whole plan, and what of it is to be struck. Raises ValueError for what does not exist."""
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    verbs, left_out = present(options.verbs.split(","), NEEDS, playbooks)
    print("\n".join(left_out), flush=True)
    kinds = options.kinds.split(",")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ValueError(f"{', '.join(unknown)}: not among {', '.join(KINDS)}")
    whole = plan(options.seed, options.faults, verbs, kinds)
    strikes = [strike for strike in whole if strike.number >= options.first]
    if options.only:
        numbers = {int(number) for number in options.only.split(",")}
        strikes = [strike for strike in strikes if strike.number in numbers]
    if not strikes:
        raise ValueError(f"no such strike: the plan has 1 to {len(whole)}")
    return whole, strikes


def verbs_of(strikes: Sequence[Strike]) -> list[str]:
    """The verbs that are struck."""
    return sorted({strike.verb for strike in strikes})


def masters_at(whole: Sequence[Strike], strikes: Sequence[Strike]) -> int:
    """How many masters to begin with, so that the first of some strikes meets as many as in the whole run.

    There, what was struck before has turned three into one and back, and so has its calibration.
    """
    before = [strike.verb for strike in whole if strike.number < strikes[0].number]
    calibrated = CONVERTS in verbs_of(whole) and CONVERTS not in verbs_of(strikes)
    return 1 if (before.count(CONVERTS) + calibrated) % 2 else 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 for a loss, for a verb that did not converge, and for a run that could not be judged."""
    options = options_of(arguments)
    try:
        whole, strikes = planned(options)
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    results: list[Result] = []
    try:
        with booted(options.lab), tempfile.TemporaryDirectory() as scratch:
            campaign = Campaign(
                RunningLab(options.lab), Path(scratch), _say, masters=masters_at(whole, strikes)
            )
            try:
                campaign.deploy()
                campaign.calibrate(verbs_of(strikes))
                run(campaign, strikes, results)
                if results and not results[-1].holds:
                    _leave_traces(campaign, options)
            except AssertionError:
                _leave_traces(campaign, options)
                raise
            finally:
                campaign.remove()
    except (LabFailedError, LabError, AssertionError) as error:
        print(f"Error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted; what was deployed is taken away.", file=sys.stderr)
    _report(options, results)
    hit = {result.strike.number for result in results if result.is_good}
    missed = {result.strike.number for result in results} - hit
    told = f"{len(hit)} of {len(strikes)} strikes hit"
    if missed:
        told += f"; after {TRIES} tries hit nothing: {', '.join(map(str, sorted(missed)))}"
    print(told)
    good = len(hit) == len(strikes) and all(result.holds for result in results)
    return 0 if good else 1


def _report(options: argparse.Namespace, results: Sequence[Result]) -> None:
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(as_json(options.seed, results) + "\n", encoding="utf-8")
    print(f"\n{table(results)}\nseed {options.seed}")
    for result in results:
        if not result.holds:
            print("\n".join([*result.lost, result.error]).strip())
            print(
                f"again: make chaos CHAOS_ARGS='--seed {options.seed} --faults {options.faults}"
                f" --verbs {options.verbs} --kinds {options.kinds} --only {result.strike.number}'"
            )


def _leave_traces(campaign: Campaign, options: argparse.Namespace) -> None:
    place = options.json.with_suffix(".log")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(campaign.dump(), encoding="utf-8")
    print(f"pods, events and logs: {place}", flush=True)


def _say(text: str) -> None:
    print(text, flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
