"""How reliable intervals and thresholds are, on simulated scores whose truth is known.

Prints, as Markdown tables,

* how often the 95 % intervals of AUC and pAUC contain the true value, their width, and the error of
  the value, by number of clips,
* how often two equally good runs are called different,
* the fraction of new normal clips above a threshold, by distribution and number of held-out
  clips.

    python benchmarks/intervals.py [--runs 1000]
"""

import argparse

import numpy as np
import numpy.typing as npt
from scipy import stats

from stethoscope.datasets.clips import Condition
from stethoscope.detection.compare import compare
from stethoscope.detection.metrics import evaluate
from stethoscope.detection.options import ThresholdMethod
from stethoscope.detection.scores import ScoredClip
from stethoscope.detection.thresholds import fit_thresholds

MAX_FPR = 0.1

DISTRIBUTIONS = {
    "gamma, shape 2": stats.gamma(2),
    "gamma, shape 10": stats.gamma(10),
    "gamma, shape 5, from 20 on": stats.gamma(5, loc=20),
    "log-normal, sigma 0.5": stats.lognorm(0.5),
    "Gumbel": stats.gumbel_r(10, 1),
    "exponential, from 10 on": stats.expon(loc=10),
    "normal": stats.norm(50, 3),
    "Student t, 5 degrees": stats.t(5, loc=30),
    "negative log-likelihood (chi-squared 20, from -300 on)": stats.chi2(20, loc=-300),
}


def scored(normal: npt.NDArray[np.float64], anomalous: npt.NDArray[np.float64]) -> list[ScoredClip]:
    """Return scored clips of one machine."""
    conditions: list[tuple[Condition, npt.NDArray[np.float64]]] = [
        ("normal", normal),
        ("anomaly", anomalous),
    ]
    return [
        ScoredClip(
            path=f"{condition}/{i}",
            machine_id="00",
            condition=condition,
            score=float(score),
            threshold=0.0,
            decision=score > 0,
        )
        for condition, scores in conditions
        for i, score in enumerate(scores)
    ]


def coverage(
    n_normal: int, n_anomaly: int, auc: float, runs: int
) -> list[tuple[float, float, float]]:
    """Simulate test sets whose normal scores are N(0, 1) and anomalous ones N(shift, 1).

    Returns
    -------
    list of tuple
        For AUC and pAUC: how often the interval holds the truth, its mean width, and the mean error
        of the value.
    """
    shift = np.sqrt(2) * stats.norm.ppf(auc)
    rates = np.linspace(1e-9, MAX_FPR, 200_001)
    area = np.trapezoid(stats.norm.sf(stats.norm.isf(rates) - shift), rates)
    pauc = 0.5 * (1 + (area - MAX_FPR**2 / 2) / (MAX_FPR - MAX_FPR**2 / 2))
    figures = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        overall = evaluate(
            scored(rng.normal(size=n_normal), rng.normal(shift, size=n_anomaly)),
            max_fpr=MAX_FPR,
            seed=seed,
        ).overall
        figures.append(
            [(figure.value, figure.low, figure.high) for figure in (overall.auc, overall.pauc)]
        )
    value, low, high = np.moveaxis(np.array(figures, dtype=np.float64), 2, 0)
    truth = np.array([auc, pauc])
    held = ((low <= truth) & (truth <= high)).mean(axis=0)
    return [
        (float(held[i]), float((high - low)[:, i].mean()), float((value - truth)[:, i].mean()))
        for i in (0, 1)
    ]


def false_differences(n_normal: int, n_anomaly: int, runs: int) -> float:
    """Return how often two runs of AUC 0.8, alike but for independent noise, are said to differ."""
    shift = np.sqrt(2) * stats.norm.ppf(0.8)
    called = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        normal, anomalous = rng.normal(size=n_normal), rng.normal(shift, size=n_anomaly)
        a, b = (
            scored(normal + rng.normal(0, 0.5, n_normal), anomalous + rng.normal(0, 0.5, n_anomaly))
            for _ in range(2)
        )
        called += compare(a, b, seed=seed).auc.beyond_chance
    return called / runs


def false_alarms(
    name: str, n: int, rate: float, method: ThresholdMethod | None, runs: int
) -> tuple[float, float]:
    """Return mean and deviation over runs of the share of fresh normal clips above the threshold.

    `method` None is what is not used: maximum likelihood with the location fixed at 0 (NaN where
    scores are not positive).
    """
    truth = DISTRIBUTIONS[name]
    shares = []
    for seed in range(runs):
        scores = truth.rvs(n, random_state=np.random.default_rng(seed))
        if method:
            threshold = fit_thresholds(
                {"machine/00": scores}, {}, false_alarm_rate=rate, method=method
            ).threshold("machine/00")
        elif scores.min() <= 0:
            return np.nan, np.nan
        else:
            shape, _, scale = stats.gamma.fit(scores, floc=0)
            threshold = stats.gamma.ppf(1 - rate, shape, scale=scale)
        shares.append(truth.sf(threshold))
    return float(np.mean(shares)), float(np.std(shares))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000, help="simulated test sets per row")
    runs = parser.parse_args().runs

    print(
        "95 % intervals: fraction that contains the true value, mean width, "
        f"mean error of the value ({runs} runs)\n"
    )
    print(
        "| normal + anomalous clips | true AUC | AUC | width | error | pAUC | width | error |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for n_normal, n_anomaly in ((100, 100), (100, 400), (30, 30), (12, 24)):
        for auc in (0.8, 0.95):
            cells = [
                f"{held:.3f} | {width:.2f} | {error:+.3f}"
                for held, width, error in coverage(n_normal, n_anomaly, auc, runs)
            ]
            print(f"| {n_normal} + {n_anomaly} | {auc} | {' | '.join(cells)} |", flush=True)

    print(f"\nEqually good runs called different, at a level of 0.05 ({runs} runs)\n")
    print("| normal + anomalous clips | share |\n|---|---|")
    for n_normal, n_anomaly in ((100, 100), (12, 24)):
        print(
            f"| {n_normal} + {n_anomaly} | {false_differences(n_normal, n_anomaly, runs):.3f} |",
            flush=True,
        )

    for n, seeds, rates in ((200, 20, (0.1, 0.05, 0.01)), (30, 200, (0.1, 0.05)), (5, 200, (0.1,))):
        print(
            f"\nNew normal clips above the threshold, {n} held-out clips, "
            f"mean ± deviation over {seeds} seeds\n"
        )
        print("| scores | wanted | gamma | empirical | maximum likelihood |\n|---|---|---|---|---|")
        for name in DISTRIBUTIONS:
            for rate in rates:
                shares = [
                    false_alarms(name, n, rate, method, seeds)
                    for method in ("gamma", "empirical", None)
                ]
                cells = [
                    "not defined" if np.isnan(mean) else f"{mean:.3f} ± {deviation:.3f}"
                    for mean, deviation in shares
                ]
                print(f"| {name} | {rate} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
