import numpy as np
import pytest
from scipy.spatial.distance import cosine, mahalanobis

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.identity.references import NormalEmbeddings, local_spreads
from stethoscope.detection.spectra import NormalSpectra

OWNERS = np.array([0, 1, 0, 1, 1, 0, 1])


def references(branches: int, spreads: float = 1.0) -> NormalEmbeddings:
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(7, branches, 3)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=2, keepdims=True)
    size = 3 * branches
    return NormalEmbeddings(
        ("fan/00", "fan/02"),
        embeddings,
        OWNERS,
        Gaussians(rng.normal(size=(2, size)), np.diag(np.arange(1.0, 1 + size))),
        NormalSpectra(np.zeros((2, 1)), np.ones((2, 1))),
        np.full((7, branches), spreads, dtype=np.float32),
    )


def unit_vector(angle: float) -> list[float]:
    return [np.cos(angle), np.sin(angle)]


def test_distances_of_one_branch_equal_scipys() -> None:
    one = references(1)
    embedding = np.array([[0.6, 0.0, 0.8]], dtype=np.float32)
    near = sorted(cosine(embedding[0], other[0]) for other in one.embeddings[OWNERS == 1])[:2]
    assert one.cosine_distance(embedding, 1) == pytest.approx(np.mean(near), abs=1e-6)
    expected = mahalanobis(embedding[0], one.gaussians.means[1], one.gaussians.precision) ** 2
    assert one.mahalanobis_distance(embedding, 1) == pytest.approx(expected, rel=1e-6)


def test_density_distance_is_the_mean_logarithm_of_the_nearest_ratio_of_each_branch() -> None:
    two = references(2, spreads=0.25)
    embedding = np.array([[0.6, 0.0, 0.8], [1.0, 0.0, 0.0]], dtype=np.float32)
    nearest = [
        min(cosine(embedding[k], other[k]) for other in two.embeddings[OWNERS == 0]) / 0.25
        for k in range(2)
    ]
    expected = np.mean(np.log(np.array(nearest) + 1e-3))
    assert two.density_distance(embedding, 0) == pytest.approx(expected, abs=1e-5)


def test_spreads_end_where_another_cluster_begins() -> None:
    angles = np.array([0.0, 0.1, 0.2, 1.5])
    embeddings = np.array([[unit_vector(angle)] for angle in angles], dtype=np.float32)
    spreads = local_spreads(embeddings, np.zeros(4, dtype=np.intp), np.full(4, ""))

    def distance(angle: float) -> float:
        return 1 - np.cos(angle)

    # Of the first: 0.1 is near, 0.2 four times as far (a cosine distance grows with the square).
    assert spreads[0, 0] == pytest.approx(distance(0.1), rel=1e-2)
    assert spreads[1, 0] == pytest.approx(distance(0.1), rel=1e-2)
    assert spreads[3, 0] == pytest.approx(np.mean([distance(a) for a in (1.3, 1.4, 1.5)]), rel=1e-3)


def test_spreads_are_measured_to_other_sessions_where_there_are_any() -> None:
    embeddings = np.array([[unit_vector(a)] for a in (0.0, 0.1, 0.5, 0.6)], dtype=np.float32)
    owners, sessions = np.zeros(4, dtype=np.intp), np.array(["a", "a", "b", "b"])
    spreads = local_spreads(embeddings, owners, sessions)
    expected = np.mean([1 - np.cos(0.5), 1 - np.cos(0.6)])
    assert spreads[0, 0] == pytest.approx(expected, rel=1e-3)


def test_a_machine_with_one_clip_has_the_mean_spread() -> None:
    embeddings = np.array([[unit_vector(a)] for a in (0.0, 0.3, 2.0)], dtype=np.float32)
    spreads = local_spreads(embeddings, np.array([0, 0, 1]), np.full(3, ""))
    assert spreads[2, 0] == pytest.approx(1 - np.cos(0.3), rel=1e-3)
