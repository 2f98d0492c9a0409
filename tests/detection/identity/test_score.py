import numpy as np
import pytest
from scipy.spatial.distance import cosine, mahalanobis

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.identity.score import NormalEmbeddings, overlapping_windows
from stethoscope.detection.spectra import NormalSpectra


@pytest.mark.parametrize(
    ("n_frames", "expected"), [(4, [0]), (5, [0, 1]), (8, [0, 2, 4]), (9, [0, 2, 3, 5])]
)
def test_windows_cover_the_clip_and_overlap_by_half(n_frames: int, expected: list[int]) -> None:
    frames = np.arange(n_frames, dtype=np.float32)[:, np.newaxis]
    cut = overlapping_windows(frames, 4)
    assert cut[:, 0, 0].tolist() == expected
    assert set(cut.ravel()) == set(range(n_frames))


def test_a_short_clip_is_repeated() -> None:
    frames = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    np.testing.assert_array_equal(
        overlapping_windows(frames, 5), [[[1, 2], [3, 4], [1, 2], [3, 4], [1, 2]]]
    )


def test_distances_equal_scipys() -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(7, 3)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    owners = np.array([0, 1, 0, 1, 1, 0, 1])
    gaussians = Gaussians(rng.normal(size=(2, 3)), np.diag([1.0, 2.0, 3.0]))
    references = NormalEmbeddings(
        ("fan/00", "fan/02"),
        embeddings,
        owners,
        gaussians,
        NormalSpectra(np.zeros((2, 1)), np.ones((2, 1))),
    )
    embedding = np.array([0.6, 0.0, 0.8], dtype=np.float32)
    near = sorted(cosine(embedding, one) for one in embeddings[owners == 1])[:2]
    assert references.cosine_distance(embedding, 1) == pytest.approx(np.mean(near), abs=1e-6)
    assert references.mahalanobis_distance(embedding, 1) == pytest.approx(
        mahalanobis(embedding, gaussians.means[1], gaussians.precision) ** 2, rel=1e-6
    )
