"""Clips to hear and to see: the recording, its spectrogram, and where in it the anomaly is."""

import base64
import contextlib
import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import matplotlib.image
import numpy as np
import numpy.typing as npt
import soundfile

from stethoscope.datasets.archives import open_archive
from stethoscope.detection.report.choice import Group
from stethoscope.detection.report.deviations import (
    Profile,
    band_centres,
    deviation_of,
    excess,
    smooth,
)
from stethoscope.detection.report.inputs import Inputs, machine_name
from stethoscope.detection.scores import ScoredClip
from stethoscope.errors import AudioError, DatasetError
from stethoscope.progress import track
from stethoscope.report.charts import Axis, framed, frequency_axis
from stethoscope.report.html import Html, tag
from stethoscope.report.words import decibels, hertz, number, percent, short
from stethoscope.sound.audio import Samples, load, resample

SECONDS = 10.0
"""Longest excerpt that can be played, in seconds."""

SAMPLE_RATE = 16000
"""Highest rate of what can be played, in Hz."""

MIN_PEAK = 3.0
"""A spot of a clip stands out, in words, where it deviates so many times as much as usual."""

_SOUND_MAP, _HEAT_MAP = "bone", "inferno"
_HIGHEST_EXCESS = 8.0
_HEAT_FRAMES, _HEAT_BANDS = 7, 3
_QUALITY = 82  # of WebP, where spectrograms show no blocks

Key = tuple[str, str]


@dataclass(frozen=True)
class Excerpt:
    """The part of a clip that is shown.

    Attributes
    ----------
    first, last : int
        Frames, `last` excluded.
    start, end : float
        The same in seconds.
    whole : bool
        True if it is the whole clip.
    """

    first: int
    last: int
    start: float
    end: float
    whole: bool


def listening_cards(
    inputs: Inputs,
    profiles: Mapping[str, Profile],
    archives: Sequence[Path],
    groups: Sequence[Group],
    room: int,
) -> tuple[list[Html], list[str]]:
    """Return a card for every clip, group after group, and what must be said of them.

    Parameters
    ----------
    inputs : Inputs
    profiles : mapping of str to Profile
        What deviation is usual, by machine.
    archives : sequence of Path
    groups : sequence of Group
    room : int
        Most bytes that all cards may take together.

    Returns
    -------
    cards : list of Html
    notes : list of str
    """
    excerpts: dict[Key, Excerpt] = {}
    pictures: dict[Key, list[Html]] = {}
    for clip in (clip for group in groups for clip in group.clips):
        if _key(clip) in inputs.position:
            excerpts[_key(clip)], pictures[_key(clip)] = _pictures(
                inputs, profiles.get(clip.machine), clip
            )
    recordings, notes = _recordings(inputs, archives, excerpts)
    left = room
    cards: dict[Key, Html] = {}
    without_sound = 0
    for reason, clip in _first_of_each(groups):
        silent = tag("p", "The recording itself is not included.", class_="soft")
        sound = recordings.get(_key(clip))
        player = (
            tag(
                "audio",
                controls=True,
                preload="metadata",
                src=sound,
                aria_label=f"Recording {short(clip.path)}",
            )
            if sound
            else silent
        )
        card = _card(inputs, reason, clip, pictures.get(_key(clip), []), player)
        if len(card) > left:
            without_sound += 1
            card = _card(inputs, reason, clip, [], silent)
        left -= len(card.encode())
        cards[_key(clip)] = card
    if without_sound:
        notes.append(
            f"Sound and pictures of {without_sound} of {len(cards)} clips were left out, so that the file stays below 10 MB."
        )
    if any(not excerpt.whole for excerpt in excerpts.values()):
        notes.append(
            f"Of clips longer than {SECONDS:g} s, the {SECONDS:g} s that deviate most can be heard and seen."
        )
    if inputs.scorer.feature.sample_rate > SAMPLE_RATE:
        notes.append(
            f"Recordings are played at {SAMPLE_RATE / 1000:g} kHz; the detector heard {inputs.scorer.feature.sample_rate / 1000:g} kHz."
        )
    return [cards[_key(clip)] for group in groups for clip in group.clips], notes


def _key(clip: ScoredClip) -> Key:
    return clip.source, clip.path


def _first_of_each(groups: Sequence[Group]) -> Iterable[tuple[str, ScoredClip]]:
    """Yield the first clip of each group with the group's reason, then the second of each: what
    comes late may find no room.
    """
    for rank in range(max((len(group.clips) for group in groups), default=0)):
        for group in groups:
            yield from ((group.reason, clip) for clip in group.clips[rank : rank + 1])


def _pictures(
    inputs: Inputs, profile: Profile | None, clip: ScoredClip
) -> tuple[Excerpt, list[Html]]:
    feature = inputs.scorer.feature
    position = inputs.position[_key(clip)]
    deviation = deviation_of(inputs, position, clip.machine)
    usual = (
        profile.usual if profile else np.maximum(deviation.mean(axis=0, dtype=np.float64), 1e-12)
    )
    heat = smooth(excess(deviation, usual), frames=_HEAT_FRAMES, bands=_HEAT_BANDS)
    excerpt = _excerpt(heat, feature.hop_length / feature.sample_rate)
    centres = band_centres(feature)
    time = Axis.linear(excerpt.start, excerpt.end, "s", ticks=6)
    frequency = frequency_axis(centres)
    span = slice(excerpt.first, excerpt.last)
    level = np.array(inputs.store.clip_frames(position)[span])
    quiet, loud = np.percentile(level, [3, 99.7])
    name = short(clip.path)
    sound = image_address((level - quiet) / max(loud - quiet, 1e-6), _SOUND_MAP)
    hot = image_address(np.log2(np.maximum(heat[span], 1.0)) / np.log2(_HIGHEST_EXCESS), _HEAT_MAP)
    peak = _peak(heat[span], centres, excerpt, feature.hop_length / feature.sample_rate)
    return excerpt, [
        tag(
            "h4",
            "Spectrogram",
            tag("span", "quiet", tag("i", style=_gradient(_SOUND_MAP)), "loud", class_="scale"),
        ),
        framed(tag("img", src=sound, alt=""), time, frequency, f"Spectrogram of {name}"),
        tag(
            "h4",
            "Deviation",
            tag(
                "span",
                "usual",
                tag("i", style=_gradient(_HEAT_MAP)),
                f"{_HIGHEST_EXCESS:g} × and more",
                class_="scale",
            ),
        ),
        framed(
            tag("img", src=hot, alt=""),
            time,
            frequency,
            f"Where {name} deviates from normal. {peak}",
        ),
        tag("p", peak),
    ]


def _excerpt(heat: npt.NDArray[np.float64], step: float) -> Excerpt:
    """Return the part of a clip to show: all of it, or the window of the greatest deviation."""
    n = len(heat)
    width = max(1, int(SECONDS / step))
    if n <= width + 1:
        return Excerpt(0, n, 0.0, max(n - 1, 1) * step, whole=True)
    total = np.concatenate([[0.0], np.cumsum(heat.mean(axis=1))])
    first = int(np.argmax(total[width:] - total[:-width]))
    return Excerpt(first, first + width, first * step, (first + width) * step, whole=False)


def _peak(
    heat: npt.NDArray[np.float64], centres: npt.NDArray[np.float64], excerpt: Excerpt, step: float
) -> str:
    """Return in words where the deviation is strongest."""
    wide = smooth(heat, frames=15, bands=5)
    frame, band = np.unravel_index(int(wide.argmax()), wide.shape)
    times = float(wide[frame, band])
    if times < MIN_PEAK:
        return "Nothing stands out from what is usual."
    high = max(float(centres[band]), 1.0)
    lasting = float((wide[:, band] > times / 2).mean())
    when = "throughout" if lasting > 0.5 else f"around {excerpt.start + float(frame) * step:.1f} s"
    return f"Strongest {when}, near {hertz(high, high)}: {times:.1f} times the usual deviation."


def _recordings(
    inputs: Inputs, archives: Sequence[Path], excerpts: Mapping[Key, Excerpt]
) -> tuple[dict[Key, str], list[str]]:
    """Return the excerpts as data addresses, and notes on them."""

    def cut(key: Key, samples: Samples, rate: int) -> Samples:
        excerpt = excerpts[key]
        return (
            samples
            if excerpt.whole
            else samples[round(excerpt.start * rate) : round(excerpt.end * rate)]
        )

    sounds, gain = playable(archives, excerpts, cut, channel=inputs.scorer.feature.channel)
    missing = len(excerpts) - len(sounds)
    notes = (
        [
            f"{missing} of {len(excerpts)} recordings could not be read again from the archives and cannot be played."
        ]
        if missing
        else []
    )
    if sounds:
        notes.append(
            f"All recordings are played with the same gain, {decibels(gain)}, so that their loudness can be compared."
        )
    return sounds, notes


def playable(
    archives: Sequence[Path],
    wanted: Collection[Key],
    cut: Callable[[Key, Samples, int], Samples],
    *,
    channel: int,
) -> tuple[dict[Key, str], float]:
    """Return recordings as data addresses, read in one pass over each archive; those that cannot be
    read are left out.

    Parameters
    ----------
    archives : sequence of Path
    wanted : collection of (str, str)
        Source and path of each recording.
    cut : callable
        From one of these, its samples and their rate to the samples that are to be heard.
    channel : int
        Which is heard.

    Returns
    -------
    addresses : dict of (str, str) to str
    gain : float
        By which all of them are amplified.
    """
    sounds: dict[Key, tuple[Samples, int]] = {}
    for source, path, content in track(
        _members(archives, wanted), label="clips", total=len(wanted)
    ):
        try:
            if isinstance(content, DatasetError):
                raise content
            samples, rate = load(content, channel=channel, name=path)
        except (AudioError, DatasetError):
            continue
        heard = cut((source, path), samples, rate)
        sounds[source, path] = (
            (heard, rate)
            if rate <= SAMPLE_RATE
            else (resample(heard, rate, SAMPLE_RATE), SAMPLE_RATE)
        )
    loudest = max(
        (float(np.abs(samples).max(initial=0.0)) for samples, _ in sounds.values()), default=0.0
    )
    gain = 0.9 / loudest if loudest else 1.0
    return {
        key: flac_address(samples * np.float32(gain), rate)
        for key, (samples, rate) in sounds.items()
    }, gain


def _members(
    archives: Sequence[Path], wanted: Iterable[Key]
) -> Iterable[tuple[str, str, bytes | DatasetError]]:
    names: dict[str, list[str]] = {}
    for source, name in wanted:
        names.setdefault(source, []).append(name)
    for path in archives:
        if path.name in names:
            # An archive that broke since its features were computed costs the sound, not the
            # report.
            with contextlib.suppress(DatasetError), open_archive(path) as archive:
                for name, content in archive.stream(names[path.name]):
                    yield path.name, name, content


def flac_address(samples: Samples, sample_rate: int) -> str:
    """Return samples from -1 to 1 as a data address that a browser plays."""
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return _data_address("audio/flac", file.getvalue())


def image_address(values: npt.NDArray[np.floating], colours: str) -> str:
    """Return values from 0 to 1 [shape=(n_frames, n_bands)], low bands at the bottom, as the data
    address of a picture.
    """
    file = io.BytesIO()
    matplotlib.image.imsave(
        file,
        values.T,
        vmin=0.0,
        vmax=1.0,
        cmap=colours,
        origin="lower",
        format="webp",
        pil_kwargs={"quality": _QUALITY},
    )
    return _data_address("image/webp", file.getvalue())


def _data_address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _gradient(colours: str) -> str:
    stops = matplotlib.colormaps[colours](np.linspace(0, 1, 7), bytes=True)[:, :3]
    return (
        f"background:linear-gradient(90deg,{','.join('#' + bytes(stop).hex() for stop in stops)})"
    )


_OUTCOMES = {
    ("anomaly", True): ("anomalous, found", "anomaly"),
    ("anomaly", False): ("anomalous, missed", "anomaly"),
    ("normal", True): ("normal, false alarm", "normal"),
    ("normal", False): ("normal", "normal"),
    ("unknown", True): ("called anomalous", "anomaly"),
    ("unknown", False): ("called normal", "normal"),
}


def _card(
    inputs: Inputs, reason: str, clip: ScoredClip, pictures: Sequence[Html], player: Html
) -> Html:
    outcome, style = _OUTCOMES[clip.condition, clip.decision]
    p = inputs.thresholds.probability(clip.score, clip.machine)
    lower = (
        "practically all" if p >= 0.995 else "practically no" if p < 0.005 else f"{percent(p)} of"
    )
    several = len({one.source for one in inputs.scored}) > 1
    where = f"{clip.source} · {clip.path}" if several else clip.path
    return tag(
        "article",
        tag(
            "h3",
            tag("span", reason),
            " ",
            machine_name(clip.machine),
            " ",
            tag("span", outcome, class_=f"badge {style}"),
        ),
        tag("span", short(where), class_="file", title=where),
        tag(
            "p",
            f"Score {number(clip.score)}, threshold {number(clip.threshold)}; {lower} normal clips are expected to score lower.",
        ),
        player,
        pictures,
        class_="card clip",
    )
