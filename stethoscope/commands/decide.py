"""Commands for thresholds and for the scores of runs: threshold, compare."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.commands import Add
from stethoscope.commands.answers import add_bundle
from stethoscope.commands.verify import add_sign_option
from stethoscope.errors import DatasetError, ParameterError
from stethoscope.machines import format_machine, machine_key
from stethoscope.terminal import decimal, text_table

if TYPE_CHECKING:
    from stethoscope.detection.compare import Comparison, Difference
    from stethoscope.detection.scores import ScoredClip
    from stethoscope.detection.thresholds import Threshold, Thresholds


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add(
        "threshold", _threshold, "set the false-alarm rate of a bundle without training it again"
    )
    add_bundle(one)
    one.add_argument(
        "--false-alarm-rate",
        type=float,
        metavar="RATE",
        help="fraction of normal clips that may be called anomalous; it sets the thresholds",
    )
    one.add_argument(
        "--method",
        metavar="METHOD",
        help="how a threshold is computed from the scores of normal clips: gamma (fits a "
        "distribution) or empirical (a rank, assumes no distribution); default: as before",
    )

    one.add_argument(
        "--recentre",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="move the thresholds to about a dozen recordings of healthy machines, made at the "
        "place where the bundle is used; a fault in them is then taken for normal",
    )
    one.add_argument(
        "--machine-id",
        default="",
        help="id of the machine in these recordings (default: those in their names)",
    )
    one.add_argument(
        "--undo-recentre",
        action="store_true",
        help="put the thresholds back to where they were before --recentre",
    )

    add_sign_option(one, "sign the changed bundle")

    one = add("compare", _compare, "find out whether runs on the same clips differ beyond chance")
    one.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folder of a run, with scores.csv; the others are compared with the first",
    )
    one.add_argument(
        "--max-fpr",
        type=float,
        default=0.1,
        help="largest false-positive rate of the partial AUC (default: 0.1)",
    )
    one.add_argument("--seed", type=int, default=0, help="seed of everything random (default: 0)")
    one.add_argument("--json", action="store_true", help="print JSON")


def _threshold(options: argparse.Namespace) -> int:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.bundle.edit import set_thresholds
    from stethoscope.bundle.recentre import undo_recentring
    from stethoscope.bundle.signature import read_private_key
    from stethoscope.bundle.trial import open_tried
    from stethoscope.progress import warn

    if options.recentre and options.undo_recentre:
        raise ParameterError("--recentre and --undo-recentre contradict each other; give one")
    bundle = open_tried(options.bundle)
    before = bundle.thresholds
    if options.false_alarm_rate is not None or options.method is not None:
        rate = options.false_alarm_rate
        rate = before.false_alarm_rate if rate is None else rate
        after = before.with_false_alarm_rate(rate, options.method)
        set_thresholds(bundle, after, read_private_key(options.sign) if options.sign else None)
        for text in after.warnings():
            warn(text)
    if options.undo_recentre:
        undo_recentring(Bundle.open(options.bundle))
    if options.recentre:
        _recentre(options)
    after = Bundle.open(options.bundle).thresholds
    print(_format_thresholds(after, before if after != before else None))
    return 0


def _recentre(options: argparse.Namespace) -> None:
    """Re-centre a bundle, and print what was done."""
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.bundle.recentre import recentre_bundle
    from stethoscope.progress import warn

    bundle = Bundle.open(options.bundle)
    for one in recentre_bundle(bundle, options.recentre, machine_id=options.machine_id):
        for text in one.warnings:
            warn(text)
        clips = len(one.change.files)
        machine = format_machine(one.machine)
        if one.change.shift == 0:
            print(f"{machine}: not moved, because the {clips} recordings score like normal ones")
            continue
        print(
            f"{machine}: moved by {one.change.shift:.6g} on {clips} recordings; "
            f"{one.alarms_before} of them were above the threshold, {one.alarms_after} are now"
        )
    print("A fault that is in these recordings is taken for normal from now on.")
    print(f"To undo: stethoscope threshold {options.bundle} --undo-recentre")


def _format_thresholds(thresholds: "Thresholds", before: "Thresholds | None" = None) -> str:
    """Return the thresholds as a table, beside those that they replace."""
    earlier = _thresholds_by_name(before) if before else {}
    header = ["machine", "threshold", *(["before"] if before else []), "normal clips"]
    rows = [
        [
            name,
            f"{one.value:.6g}",
            *([f"{earlier[name].value:.6g}" if name in earlier else ""] if before else []),
            f"{one.n_clips}{', pooled' if one.pooled else ''}",
        ]
        for name, one in _thresholds_by_name(thresholds).items()
    ]
    rate = f"wanted false-alarm rate {thresholds.false_alarm_rate:g}, method {thresholds.method}"
    return "\n".join([rate, *text_table([header, *rows])])


def _thresholds_by_name(thresholds: "Thresholds") -> "dict[str, Threshold]":
    names = {format_machine(machine): machine for machine in thresholds.machines} | {
        f"{machine_type or 'any type'}, unknown id": machine_type and machine_key(machine_type, "")
        for machine_type in thresholds.unknown
    }
    return {name: thresholds.of(machine) for name, machine in names.items()}


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
        content = [
            {"run": run, "reference": first, **one.to_json()} for run, one in comparisons.items()
        ]
        print(json.dumps(content, indent=2))
    else:
        print("\n\n".join(_format_comparison(run, first, one) for run, one in comparisons.items()))
    return 0


def _scores(run: str) -> "Sequence[ScoredClip]":
    from stethoscope.detection.scores import read_scores

    path = Path(run) / "scores.csv" if Path(run).is_dir() else Path(run)
    if not path.is_file():
        raise DatasetError(f"{path}: is missing; give the folder of a finished run")
    return read_scores(path)


def _format_comparison(run: str, reference: str, comparison: "Comparison") -> str:
    """Return the figures of a run beside those of another one, and whether they differ."""
    figures = {"mean AUC": comparison.auc, "mean pAUC": comparison.pauc} | {
        f"AUC {name}": one for name, one in comparison.machines.items()
    }
    header = ("", "this", "other", "difference (95 % interval)")
    rows = [(name, *_difference_cells(one)) for name, one in figures.items()]
    lines = [
        f"{run} compared with {reference}, on {comparison.n_clips} clips that both scored",
        *text_table([header, *rows], align="<>><"),
    ]
    left_out = comparison.only_a + comparison.only_b
    if left_out:
        lines.append(f"{left_out} clips that only one of the runs scored are left out")
    if comparison.auc.p is not None:
        verdict = "differ" if comparison.auc.beyond_chance else "do not differ"
        lines.append(f"The runs {verdict} beyond chance in mean AUC (p = {comparison.auc.p:.3g}).")
    return "\n".join(lines)


def _difference_cells(one: "Difference") -> tuple[str, str, str]:
    if one.a is None or one.b is None or one.difference.value is None:
        return "", "", f"not computable: {one.difference.reason}"
    low, high = one.difference.low, one.difference.high
    interval = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
    beyond = "  beyond chance" if one.beyond_chance else ""
    return decimal(one.a), decimal(one.b), f"{one.difference.value:+.3f}{interval}{beyond}"
