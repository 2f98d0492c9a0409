import pytest

from stethoscope.errors import ParameterError
from stethoscope.watch.alarms import AlarmRule


def states(rule: AlarmRule, decisions: str) -> str:
    """Whether there is an alarm after each decision: A anomalous, n normal; X alarm, . none."""
    active, seen, text = False, [], ""
    for letter in decisions:
        seen.append(letter == "A")
        active = rule.alarm(seen, active=active)
        text += "X" if active else "."
    return text


@pytest.mark.parametrize(
    ("decisions", "alarms"),
    [
        ("nnAnnnAnnn", ".........."),  # one odd recording wakes nobody
        ("nAnAnAnnnnn", ".....XXXXX."),  # three of five raise; five normal ones clear
        ("AAAnAnnnnn", "..XXXXXXX."),
        ("AAAnnnnAnn", "..XXXXXXXX"),  # one odd recording keeps an alarm that lasts
    ],
)
def test_alarm_needs_three_of_five_and_ends_with_five_normal(decisions: str, alarms: str) -> None:
    assert states(AlarmRule(3, 5), decisions) == alarms


def test_rule_is_read_from_text() -> None:
    assert AlarmRule.parse(" 2 / 4") == AlarmRule(2, 4)
    for text in ("3", "a/b", "0/5", "6/5", "3/100000", "-1/2", ""):
        with pytest.raises(ParameterError, match="--alarm is"):
            AlarmRule.parse(text)
