from stethoscope.datasets.names import natural_order, places


def test_numbers_in_names_are_in_order() -> None:
    names = ["take 10", "take 9", "a/2/x1", "a/10/x1", "a/2/x01", "take", "Ä"]
    assert sorted(names, key=natural_order) == [
        "a/2/x01",
        "a/2/x1",
        "a/10/x1",
        "take",
        "take 9",
        "take 10",
        "Ä",
    ]


def test_places_are_those_in_the_order_of_the_names() -> None:
    assert places(["take 10", "take 9", "take 10", "a"]) == ([2, 1, 2, 0], 3)
