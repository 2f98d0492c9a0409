"""Words by which people name folders and files of recordings: condition, split and session.

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

_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)")
_SESSION = re.compile(r"(?:session|day|week|visit|take|round|shift|tag|woche)s? ?\d+", re.ASCII)


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


def session_of(name: str) -> str:
    """Return the recording session that the whole name of a folder states; "" if it states none.

    It is a date, with or without a time, or a numbered session, day, week or visit.
    """
    words = _words(name)
    date = _DATE.search(name)
    rest = re.sub(r"[\d\s.:th_-]", "", _DATE.sub("", name)) if date else words
    return name if _SESSION.fullmatch(words) or (date and not rest) else ""


def date_of(stem: str) -> str:
    """Return the date in a file's name as ``2024-05-01``; "" without one."""
    date = _DATE.search(stem)
    if date is None:
        return ""
    digits = re.sub(r"\D", "", date[0])
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _words(name: str) -> str:
    return " ".join(re.split(r"[\s_.-]+", name.strip().lower())).strip()
