"""An ensemble beside each of its members, from one fit.

The members' scores on the test clips are expressed in standard deviations above normal clips, as
the ensemble does. Printed are mean AUC and pAUC over machine ids of each member, and of the mean
and the maximum of all.

python benchmarks/ensemble.py simulated/fan dev_data_caridle.zip --members pooled-gmm id-classifier
"""

import argparse
import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
from detectors import store_of
from sklearn.metrics import roc_auc_score

from stethoscope.detection.detector import make_detector
from stethoscope.detection.ensemble.score import EnsembleScorer
from stethoscope.detection.load import load_scorer
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.train import train_detector
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel


def scores_of(store: FeatureStore, ensemble: EnsembleScorer, index: int) -> dict[str, float]:
    """Return the score of a clip by each member, and by mean and maximum."""
    machine, frames = store.clips[index].machine, np.array(store.clip_frames(index))
    scores = {}
    for name, member in ensemble.members.items():
        level = ensemble.levels[name][machine]
        own = member.score(frames[:, : member.feature.size], machine)
        scores[name] = (own - level.mean) / level.deviation
    values = list(scores.values())
    return scores | {"mean": float(np.mean(values)), "max": max(values)}


def areas(store: FeatureStore, ensemble: EnsembleScorer) -> dict[str, tuple[float, float]]:
    """Return mean AUC and pAUC over the machines, by each way of scoring."""
    test = [i for i, clip in enumerate(store.clips) if clip.split == "test"]
    scores = {i: scores_of(store, ensemble, i) for i in test}
    found = {}
    for way in scores[test[0]]:
        pairs = []
        for machine in sorted({store.clips[i].machine for i in test}):
            own = [i for i in test if store.clips[i].machine == machine]
            truth = [store.clips[i].condition == "anomaly" for i in own]
            values = [scores[i][way] for i in own]
            pairs.append((roc_auc_score(truth, values), roc_auc_score(truth, values, max_fpr=0.1)))
        auc, pauc = np.mean(pairs, axis=0)
        found[way] = (float(auc), float(pauc))
    return found


def main() -> None:
    """Print a row per set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("--members", nargs="+", default=["pooled-gmm", "id-classifier"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    options = DetectorOptions(name="ensemble", members=tuple(arguments.members))
    ways = (*arguments.members, "mean", "max")
    print(f"| data | {' | '.join(ways)} |\n|---|{'---|' * len(ways)}")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, source in enumerate(arguments.sources):
            with contextlib.redirect_stderr(io.StringIO()):
                store = store_of(source, arguments.seed, options.feature(LogMel()), Path(scratch))
                model = Path(scratch) / f"model{number}"
                detector = make_detector(options, FitOptions(seed=arguments.seed, verbose=0))
                train_detector(store, detector, model, validation_split=0.1, seed=arguments.seed)
                ensemble = load_scorer(model)
            assert isinstance(ensemble, EnsembleScorer)
            found = areas(store, ensemble)
            rows.append([found[way] for way in ways])
            cells = [f"{auc:.3f}/{pauc:.3f}" for auc, pauc in rows[-1]]
            print(f"| {Path(source).name} | {' | '.join(cells)} |", flush=True)
    means = [f"{auc:.3f}/{pauc:.3f}" for auc, pauc in np.mean(rows, axis=0)]
    print(f"| mean | {' | '.join(means)} |")


if __name__ == "__main__":
    main()
