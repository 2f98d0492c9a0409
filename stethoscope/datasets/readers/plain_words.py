"""Words by which people name folders and files of recordings: condition and split.

Only whole names count, in upper or lower case, with blanks, hyphens or underscores: the folder
``Not OK`` states a condition, ``normandy`` does not.
"""

import re

from stethoscope.datasets.clips import Condition, Split

_CONDITIONS: dict[Condition, str] = {
    "normal": (
        "normal, ok, good, healthy, nominal, baseline, reference, intact, non anomalous, "
        "no fault, fault free, faultless, no defect, defect free, no anomaly, undamaged, "
        "new, io, gut, intakt, gesund"
    ),
    "anomaly": (
        "abnormal, anomaly, anomalies, anomalous, fault, faults, faulty, defect, defects, "
        "defective, bad, broken, damage, damaged, failed, failure, failures, failing, unhealthy, "
        "not ok, nok, ng, worn, nio, defekt, schlecht, kaputt"
    ),
    "unknown": "unknown, unlabeled, unlabelled, unbekannt",
}
_SPLITS: dict[Split, str] = {
    "train": "train, training, train data, training data",
    "test": "test, testing, test data, eval, evaluation, validation, val",
}

_CONDITION_OF = {
    word: condition for condition, words in _CONDITIONS.items() for word in words.split(", ")
}
_SPLIT_OF = {word: split for split, words in _SPLITS.items() for word in words.split(", ")}


def condition_of(name: str) -> Condition | None:
    """Return the condition that a folder's name states; None if it states none."""
    return _CONDITION_OF.get(_words(name))


def condition_of_file(stem: str) -> Condition | None:
    """Return the condition at the start or the end of a file's name, ``ok`` in ``ok_01``."""
    words = re.sub(r"\d+", " ", _words(stem)).split()
    for count in (2, 1):
        for part in (words[:count], words[-count:]):
            if found := _CONDITION_OF.get(" ".join(part)):
                return found
    return None


def split_of(name: str) -> Split | None:
    """Return the split that a folder's name states; None if it states none."""
    return _SPLIT_OF.get(_words(name))


def _words(name: str) -> str:
    return " ".join(re.split(r"[\s_.-]+", name.strip().lower())).strip()
