"""Interpolation: the middle frame of a window is left out and predicted from its neighbours (IDNN).

What follows from its surroundings is normal, however it changes: sounds that come and go, such as a
valve's, are no anomaly because they change. A network that sees the frame which it rebuilds learns
to copy it; here it cannot.

References
----------
K. Suefusa et al., "Anomalous sound detection based on interpolation deep neural network", ICASSP
2020. The hidden layers are those of the autoencoder here.
"""

from dataclasses import dataclass
from typing import ClassVar

from stethoscope.detection.autoencoder.fit import Autoencoder
from stethoscope.detection.options import check_context


@dataclass
class Interpolation(Autoencoder):
    """One network per machine type that predicts the middle of `context` frames, an odd number,
    from the others.
    """

    kind: ClassVar[str] = "interpolation"

    def __post_init__(self) -> None:
        check_context(self.context, predicts_middle=True)

    @property
    def predicted(self) -> tuple[int, ...]:
        """The middle frame."""
        return (self.context // 2,)
