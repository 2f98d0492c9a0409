"""What the tests of the report share."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stethoscope.datasets.clips import Clip, Skipped
from stethoscope.detection.metrics import evaluate
from stethoscope.detection.scores import ScoredClip, write_scores
from stethoscope.detection.thresholds import fit_thresholds
from stethoscope.features.store import FeatureStore
from stethoscope.files import write_json
from stethoscope.monitoring.report import write_report

VOID = {"br", "img", "meta"}


@dataclass
class Element:
    """An element of a page."""

    name: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name: str = "") -> list["Element"]:
        below = [child for child in self.children if isinstance(child, Element)]
        return [
            one
            for child in below
            for one in ([child] if name in ("", child.name) else []) + child.all(name)
        ]


class Page(HTMLParser):
    """A page as a tree; elements that are not closed in order are an error."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(html)
        self.close()
        assert self._open == [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def read_page(path: Path) -> Element:
    """Return a page as a tree."""
    return Page(path.read_text(encoding="utf-8")).root


def scored_clip(clip: Clip, score: float, threshold: float) -> ScoredClip:
    """Return a clip with a chosen score."""
    return ScoredClip(
        path=clip.path,
        machine_id=clip.machine_id,
        condition=clip.condition,
        score=score,
        threshold=threshold,
        decision=score > threshold,
        machine_type=clip.machine_type,
        domain=clip.domain,
        snr_db=clip.snr_db,
        source=clip.source,
    )


ScoreOf = Callable[[Clip], float | None]
Reporter = Callable[..., Path]


@pytest.fixture
def report(tmp_path: Path, fan_archive: Path, fan_store: Path, fan_model: Path) -> Reporter:
    """Return a function that writes a report on the simulated fans with chosen scores and
    thresholds of about 1.

    Its first argument gives a clip its score, or None to leave it out.
    """

    def make(
        score_of: ScoreOf,
        *,
        archives: Sequence[Path] = (fan_archive,),
        features: Path = fan_store,
        model: Path = fan_model,
        skipped: Sequence[Skipped] = (),
        warnings: Sequence[str] = (),
    ) -> Path:
        test = [clip for clip in FeatureStore.open(features).clips if clip.split == "test"]
        scores = {clip: score_of(clip) for clip in test}
        held_out = {clip.machine: [1 + 0.01 * i for i in range(-30, 31)] for clip in test}
        thresholds = fit_thresholds(held_out, {}, false_alarm_rate=0.1)
        scored = [
            scored_clip(clip, score, thresholds.threshold(clip.machine))
            for clip, score in scores.items()
            if score is not None
        ]
        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        write_scores(results / "scores.csv", scored)
        write_json(results / "thresholds.json", thresholds.to_json())
        evaluation = {
            **evaluate(scored).to_json(),
            "skipped": [asdict(one) for one in skipped],
            "warnings": list(warnings),
        }
        write_json(results / "evaluation.json", evaluation)
        path = tmp_path / "report.html"
        write_report(path, archives=archives, features=features, model=model, results=results)
        return path

    return make
