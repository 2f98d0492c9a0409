"""How many recording sessions stand behind the thresholds, and what more would bring."""

from collections.abc import Mapping, Sequence
from statistics import mean

from stethoscope.counts import count, format_range
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.detection.thresholds import Thresholds, fit_thresholds
from stethoscope.report.blocks import table
from stethoscope.report.html import Content, join, tag
from stethoscope.report.page import Section, fold, section
from stethoscope.report.words import percent

SIMULATED = {1: (0.82, 0.94), 2: (0.07, 0.23), 3: (0.07, 0.28), 5: (0.10, 0.35), 8: (0.07, 0.33)}
"""Sessions that simulated machines were trained on: false alarms and anomalies found in others.

A tenth of false alarms was wanted. ``benchmarks/sessions.py`` measures them.
"""

MAX_MACHINES = 30
"""Most machines in the table."""

_FEW_SESSIONS = 3
_LEAST_LEFT = 5  # clips of other sessions for a threshold


def session_section(inputs: DetectionInputs) -> Section:
    """Return the recording sessions of every machine, and what they mean for false alarms."""
    thresholds, sessions = inputs.thresholds, inputs.normal_scores.sessions
    rows = [
        _cells(thresholds, machine, sessions.get(machine))
        for machine in list(thresholds.machines)[:MAX_MACHINES]
    ]
    head = ("Machine", "Recording sessions", "Normal clips", "False alarms in a session left out")
    fine = (
        "False alarms in a session left out: each session in turn is judged by a threshold from "
        "the scores of the others; the fraction of its normal clips above it, mean over the "
        "sessions. The threshold that is used has all sessions behind it, and is more reliable."
    )
    return section(
        "sessions",
        "Recording sessions",
        tag("p", _meaning(thresholds)),
        table(head, rows, caption="Recording sessions of each machine"),
        tag("p", fine, class_="fine"),
        fold("What more sessions bring", *_expectation(thresholds.false_alarm_rate)),
        folded=True,
        hint=_hint(thresholds),
    )


def _hint(thresholds: Thresholds) -> str:
    """Return the numbers of sessions in a few words."""
    numbers = list(thresholds.sessions.values())
    if not numbers:
        return "not known from the names of the recordings"
    return f"{format_range(numbers)} per machine"


def left_out_alarms(
    sessions: Mapping[str, Sequence[float]], thresholds: Thresholds
) -> float | None:
    """Return the fraction of a session's normal clips above a threshold from the others.

    Parameters
    ----------
    sessions : mapping of str to sequence of float
        Out-of-fold scores of a machine by session.
    thresholds : Thresholds
        Their rate and method are taken.

    Returns
    -------
    float or None
        The mean over the sessions; None with fewer than three sessions, or too few clips.
    """
    scores = {name: values for name, values in sessions.items() if values}
    if len(scores) < _FEW_SESSIONS:
        return None
    shares = []
    for name, values in scores.items():
        others = [score for other, of in scores.items() if other != name for score in of]
        if len(others) < _LEAST_LEFT:
            return None
        fitted = fit_thresholds(
            {"/": others},
            {},
            false_alarm_rate=thresholds.false_alarm_rate,
            method=thresholds.method,
        )
        shares.append(mean(fitted.decide(score, "/") for score in values))
    return mean(shares)


def _cells(
    thresholds: Thresholds, machine: str, sessions: Mapping[str, Sequence[float]] | None
) -> list[Content]:
    alarms = left_out_alarms(sessions, thresholds) if sessions else None
    too_few = f"needs {_FEW_SESSIONS} known sessions"
    return [
        machine_name(machine),
        str(len(sessions)) if sessions else "not known",
        str(len(thresholds.held_out.get(machine, ()))),
        percent(alarms) if alarms is not None else tag("span", too_few, class_="na"),
    ]


def _meaning(thresholds: Thresholds) -> Content:
    """Return what the numbers of sessions mean for this detector."""
    wanted = percent(thresholds.false_alarm_rate)
    together = (
        "Recordings that were made in one go, on one day and with the microphone in one place, are "
        "a session. Normal clips of a session that was not trained on score higher. "
    )
    numbers = list(thresholds.sessions.values())
    unknown = len(thresholds.machines) - len(numbers)
    if unknown:
        whose = "the recordings" if not numbers else f"{count(unknown, 'machine')}"
        return join(
            f"{together}The names of {whose} do not tell the sessions. If they are few, expect "
            f"more false alarms on another day than the {wanted} that are wanted. If the names "
            "tell them, such as by a folder per session or by dates, the thresholds are computed "
            "from whole sessions."
        )
    least = min(numbers)
    if least == 1:
        return join(
            together,
            tag(
                "strong",
                "There is only one session of some machines. On another day, most of their normal "
                f"clips can be false alarms, although {wanted} are wanted.",
            ),
            " Record normal sound in two more sessions at least, or re-centre the thresholds "
            "where the model is used.",
        )
    more = (
        "One session more makes the thresholds more reliable, and more anomalies are found."
        if least < _FEW_SESSIONS
        else "With more sessions, more anomalies are found at the same rate of false alarms."
    )
    return join(
        f"{together}The thresholds are computed from scores of whole sessions that were left out. "
        f"{more}"
    )


def _expectation(wanted: float) -> list[Content]:
    """Return what simulated machines show for other numbers of sessions."""
    rows = [
        [str(number), percent(alarms), percent(found)]
        for number, (alarms, found) in SIMULATED.items()
    ]
    text = (
        "For comparison, 20 simulated machines that run at another speed and load, and in front "
        "of another background, in every session. They were judged in sessions that were not "
        f"trained on, with thresholds for 10 % of false alarms (here: {percent(wanted)}):"
    )
    head = ("Sessions trained on", "False alarms", "Anomalies found")
    return [
        tag("p", text),
        table(head, rows, caption="Simulated machines by number of sessions", fit=True),
    ]
