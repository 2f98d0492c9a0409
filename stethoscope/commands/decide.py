"""Commands that deal with decisions and with what was measured: threshold, compare."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.commands import Add
from stethoscope.errors import DatasetError, ParameterError

if TYPE_CHECKING:
    from stethoscope.detection.compare import Comparison, Difference
    from stethoscope.detection.scores import ScoredClip
    from stethoscope.detection.thresholds import Thresholds


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add(
        "threshold", _threshold, "set the false-alarm rate of a bundle without training it again"
    )
    one.add_argument("bundle", type=Path, metavar="BUNDLE")
    one.add_argument(
        "--false-alarm-rate",
        type=float,
        metavar="RATE",
        help="share of normal clips that may be called anomalous",
    )
    one.add_argument(
        "--method",
        metavar="METHOD",
        help="how it is drawn from normal scores: gamma or empirical (default: as before)",
    )

    one = add("compare", _compare, "say whether runs on the same clips differ beyond chance")
    one.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folder of a run, with scores.csv; the first is what others are compared with",
    )
    one.add_argument(
        "--max-fpr",
        type=float,
        default=0.1,
        help="largest false-positive rate of the pAUC (default: 0.1)",
    )
    one.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    one.add_argument("--json", action="store_true", help="print JSON")


def _threshold(options: argparse.Namespace) -> int:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.bundle.edit import set_thresholds
    from stethoscope.progress import warn

    bundle = Bundle.open(options.bundle)
    before = bundle.thresholds
    if options.false_alarm_rate is None and options.method is None:
        print(_render_thresholds(before))
        return 0
    rate = before.false_alarm_rate if options.false_alarm_rate is None else options.false_alarm_rate
    after = before.with_false_alarm_rate(rate, options.method)
    set_thresholds(bundle, after)
    for text in after.warnings():
        warn(text)
    print(_render_thresholds(after, before))
    return 0


def _render_thresholds(thresholds: "Thresholds", before: "Thresholds | None" = None) -> str:
    lines = [
        f"wanted false-alarm rate {thresholds.false_alarm_rate:g}, method {thresholds.method}",
        f"{'machine':<20}{'threshold':>14}{'before' if before else '':>14}{'normal clips behind it':>26}",
    ]
    unknown = {f"{name or 'any type'}, unknown id": one for name, one in thresholds.unknown.items()}
    earlier = (
        {f"{name or 'any type'}, unknown id": one for name, one in before.unknown.items()}
        | dict(before.machines)
        if before
        else {}
    )
    for name, one in {**thresholds.machines, **unknown}.items():
        was = f"{earlier[name].value:.6g}" if name in earlier else ""
        behind = f"{one.n_clips}{', pooled' if one.pooled else ''}"
        lines.append(f"{name:<20}{one.value:>14.6g}{was:>14}{behind:>26}")
    return "\n".join(lines)


def _compare(options: argparse.Namespace) -> int:
    from stethoscope.detection.compare import compare

    if len(options.runs) < 2:
        raise ParameterError(f"compare is given one run, {options.runs[0]}; give two or more")
    first, *others = options.runs
    reference = _scores(first)
    comparisons = {
        run: compare(_scores(run), reference, max_fpr=options.max_fpr, seed=options.seed)
        for run in others
    }
    if options.json:
        print(
            json.dumps(
                [
                    {"run": run, "reference": first, **one.to_json()}
                    for run, one in comparisons.items()
                ],
                indent=2,
            )
        )
    else:
        print("\n\n".join(_render_comparison(run, first, one) for run, one in comparisons.items()))
    return 0


def _scores(run: str) -> "Sequence[ScoredClip]":
    from stethoscope.detection.scores import read_scores

    path = Path(run) / "scores.csv" if Path(run).is_dir() else Path(run)
    if not path.is_file():
        raise DatasetError(f"{path}: is missing; give the folder of a finished run")
    return read_scores(path)


def _render_comparison(run: str, reference: str, comparison: "Comparison") -> str:
    rows = {"mean AUC": comparison.auc, "mean pAUC": comparison.pauc} | {
        f"AUC {name}": one for name, one in comparison.machines.items()
    }
    width = max(map(len, rows)) + 2
    lines = [
        f"{run} compared with {reference}, on {comparison.n_clips} clips that both scored",
        f"{'':<{width}}{'this':>7}{'other':>7}  difference (95 % interval)",
    ]
    lines += [f"{name:<{width}}{_render_difference(one)}" for name, one in rows.items()]
    left_out = comparison.only_a + comparison.only_b
    if left_out:
        lines.append(f"{left_out} clips that only one of the runs scored are left out")
    if comparison.auc.p is not None:
        verdict = (
            "differ beyond chance"
            if comparison.auc.beyond_chance
            else "do not differ beyond chance"
        )
        lines.append(f"The runs {verdict} in mean AUC (p = {comparison.auc.p:.3g}).")
    return "\n".join(lines)


def _render_difference(one: "Difference") -> str:
    if one.a is None or one.b is None or one.difference.value is None:
        return f"  not computable: {one.difference.reason}"
    low, high = one.difference.low, one.difference.high
    interval = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
    return f"{one.a:>7.3f}{one.b:>7.3f}  {one.difference.value:+.3f}{interval}{'  beyond chance' if one.beyond_chance else ''}"
