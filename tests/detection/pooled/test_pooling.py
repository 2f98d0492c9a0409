import numpy as np
import pytest
from scipy.signal import periodogram
from scipy.spatial.distance import mahalanobis

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.pooled.courses import Courses, grouped_means, row_spectra
from stethoscope.detection.pooled.pooling import Pooling
from stethoscope.sound.logmel import LogMel

RATE = 31.25


def test_pooled_views_equal_those_computed_by_hand() -> None:
    """Segments of two frames, two bands; the quietest fifth is one frame. The lowest of each band
    are 1 and 0, therefore the level is 0.5.
    """
    frames = np.array([[1.0, 8.0], [3.0, 4.0], [7.0, 0.0], [5.0, 2.0], [9.0, 9.0]])
    pooling = Pooling(segment_seconds=1.0, hop_seconds=0.5, quiet_share=0.2, event_order=0.5)
    views = pooling(frames, rate=2.0)
    assert tuple(views) == Pooling.views
    np.testing.assert_allclose(views["steady"], [[0.5, -0.5]])
    means = np.array([[2.0, 6.0], [5.0, 2.0], [6.0, 1.0], [7.0, 5.5]])
    np.testing.assert_allclose(views["mean"], means - 0.5)
    # The fifth frame fills no segment of its own.
    events = np.array([[(3 + 0.5) / 1.5, (8 + 2) / 1.5], [(7 + 2.5) / 1.5, (2 + 0) / 1.5]])
    np.testing.assert_allclose(views["events"], events - 0.5)


def test_neighbouring_bands_are_averaged() -> None:
    values = np.random.default_rng(0).normal(size=(128, 6))
    expected = [part.mean(axis=0) for part in np.array_split(values, 40)]
    np.testing.assert_allclose(grouped_means(values, 40), expected)
    np.testing.assert_array_equal(grouped_means(values[:12], 40), values[:12])


@pytest.mark.parametrize("n_rows", [1, 2, 7])
@pytest.mark.parametrize("n_columns", [4, 5, 313])
def test_spectra_of_paired_rows_equal_those_of_each_row(n_rows: int, n_columns: int) -> None:
    rows = np.random.default_rng(0).standard_normal((n_rows, n_columns))
    np.testing.assert_allclose(row_spectra(rows), np.fft.rfft(rows, axis=1), atol=1e-13)


def test_default_sizes_of_the_views() -> None:
    views = Pooling()(np.random.default_rng(0).normal(size=(313, 128)), RATE)
    shapes = {view: segments.shape for view, segments in views.items()}
    assert shapes == {
        "steady": (1, 40),
        "mean": (36, 40),
        "events": (10, 40),
        "modulation": (1, 240),
        "rhythm": (1, 30),
    }


def test_no_view_depends_on_the_level() -> None:
    frames = np.random.default_rng(0).normal(-40, 5, size=(100, 64))
    quieter = Pooling()(frames - 12, RATE)
    for view, segments in Pooling()(frames, RATE).items():
        np.testing.assert_allclose(quieter[view], segments, atol=1e-8)


def test_a_recording_with_less_gain_has_the_same_views() -> None:
    rng = np.random.default_rng(0)
    samples = (0.1 * rng.standard_normal(48_000) * np.linspace(1, 2, 48_000)).astype(np.float32)
    feature = LogMel(sample_rate=16_000)
    as_is = Pooling()(feature.extract(samples), RATE)
    quieter = Pooling()(feature.extract(samples * np.float32(10 ** (-12 / 20))), RATE)
    for view, segments in as_is.items():
        np.testing.assert_allclose(quieter[view], segments, atol=1e-3)


def test_event_orders_1_and_0_give_mean_and_maximum() -> None:
    frames = np.random.default_rng(0).normal(size=(20, 3))
    means = Pooling(hop_seconds=1.0)(frames, 5.0)["mean"]
    np.testing.assert_allclose(Pooling(event_order=1.0)(frames, 5.0)["events"], means)
    highest = frames.reshape(4, 5, 3)
    level = np.sort(frames, axis=0)[:6].mean()
    np.testing.assert_allclose(
        Pooling(event_order=0.0)(frames, 5.0)["events"], highest.max(axis=1) - level
    )


def test_modulation_equals_scipys_periodogram_in_thirds_of_an_octave() -> None:
    frames = np.random.default_rng(0).normal(size=(100, 4))
    hz, power = periodogram(
        frames, RATE, np.hanning(100), detrend="constant", scaling="spectrum", axis=0
    )
    hz, power = hz[1:], power[1:] * np.hanning(100).sum() ** 2
    power[:-1] /= 2  # scipy adds the power of negative frequencies, of which the highest has none
    expected = []
    for band in ((0, 1), (2, 3)):
        for step in range(15):
            weights = np.exp(-0.5 * (3 * np.log2(hz / (0.5 * 2 ** (step / 3)))) ** 2)
            group = power[:, list(band)].mean(axis=1)
            expected.append(np.log((weights * group).sum() / weights.sum() / 100))
    modulation = Pooling(modulation_bands=2)(frames, RATE)["modulation"][0]
    np.testing.assert_allclose(modulation, expected, rtol=1e-6)


@pytest.mark.parametrize("n_frames", [39, 313, 1250])
def test_modulation_of_noise_does_not_depend_on_the_length(n_frames: int) -> None:
    """The mean power of white noise behind a Hann window is its variance times 0.375. The slowest
    fluctuations are left out, because in a short clip they are removed with its mean.
    """
    noise = np.random.default_rng(0).normal(0, 3, size=(n_frames, 40))
    pooling = Pooling(modulation_bands=1)
    power = np.exp(pooling(noise, RATE)["modulation"][0])[6:]
    assert power.mean() == pytest.approx(0.375 * 9, rel=0.15)


@pytest.mark.parametrize("rate", [31.25, 86.13])
@pytest.mark.parametrize("hz", [1.0, 2.0, 8.0])
def test_a_rhythm_is_highest_at_its_frequency_for_any_frame_rate(hz: float, rate: float) -> None:
    time = np.arange(round(10 * rate)) / rate
    frames = np.random.default_rng(0).normal(size=(len(time), 8))
    frames[:, 6] += 5 * np.sin(2 * np.pi * hz * time)
    views = Pooling()(frames, rate)
    lower, upper = np.split(views["rhythm"][0], 2)
    third = round(3 * np.log2(hz / 0.5))  # thirds of an octave above 0.5 Hz
    assert upper.argmax() == third
    assert upper.max() > lower.max() + 2
    modulation = views["modulation"][0].reshape(8, -1)
    assert np.unravel_index(modulation.argmax(), modulation.shape) == (6, third)


def test_silence_has_no_rhythm() -> None:
    silence = np.full((100, 8), -156.5, dtype=np.float32)
    np.testing.assert_allclose(Pooling()(silence, RATE)["rhythm"], 0.0, atol=1e-9)


@pytest.mark.parametrize("n_frames", [4, 5, 31])
def test_a_clip_shorter_than_a_second_is_one_segment(n_frames: int) -> None:
    views = Pooling()(np.random.default_rng(0).normal(size=(n_frames, 3)), RATE)
    assert {view: len(segments) for view, segments in views.items()} == dict.fromkeys(views, 1)
    assert all(np.isfinite(segments).all() for segments in views.values())


def test_a_clips_distance_is_that_of_quiet_seconds_or_of_the_average_event() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    gaussians = Gaussians(rng.normal(size=(2, 3)), root @ root.T)
    segments = rng.normal(size=(11, 3))
    squares = [mahalanobis(one, gaussians.means[1], gaussians.precision) ** 2 for one in segments]
    level = Pooling().log_distance("mean", segments, gaussians, 1)
    assert level == pytest.approx(np.log(sorted(squares)[1]))  # the second of eleven
    average = mahalanobis(segments.mean(axis=0), gaussians.means[1], gaussians.precision)
    level = Pooling().log_distance("events", segments, gaussians, 1)
    assert level == pytest.approx(2 * np.log(average))


def test_a_single_high_view_has_no_more_than_its_weight() -> None:
    z = np.array([[0.0, 1.0], [0.0, 9.0]])
    np.testing.assert_allclose(Pooling().combine(z, np.array([0.75, 0.25])), [0.0, 3.0])


def test_courses_on_the_way_between_clips_are_those_of_the_frames_there() -> None:
    rng = np.random.default_rng(0)
    first, last = rng.normal(-30, 6, (2, 101, 12))
    way = Courses.of(first, RATE, 5).towards(Courses.of(last, RATE, 5), 0.25)
    there = Courses.of(0.75 * first + 0.25 * last, RATE, 5)
    np.testing.assert_allclose(way.coarse, there.coarse)
    np.testing.assert_allclose(way.spectrum, there.spectrum, atol=1e-12)
    np.testing.assert_allclose(way.floor[:, 0], np.median(there.power[:, 3:], axis=1))
