"""Which steps are started early, and which go first."""

from stethoscope.kubeflow.compiled import read_spec
from stethoscope.kubeflow.order import Plan, depths, heights
from stethoscope.runs.pipelines import compiled_file

STEPS = {
    "download": frozenset[str](),
    "extract": frozenset({"download"}),
    "train": frozenset({"extract"}),
    "plot": frozenset({"extract"}),
    "report": frozenset({"download", "train", "plot"}),
}


def test_depths_and_heights_are_lengths_of_the_longest_chains() -> None:
    assert depths(STEPS) == {"download": 1, "extract": 2, "train": 3, "plot": 3, "report": 4}
    assert heights(STEPS) == {"download": 4, "extract": 3, "train": 2, "plot": 2, "report": 1}


def test_a_step_is_started_with_the_last_one_that_it_waits_for() -> None:
    plan = Plan.of(read_spec(compiled_file("main")))
    assert plan.started_with["check-parameters"] == ["download"]
    assert sorted(plan.started_with["extract-features"]) == ["group-faults", "train-detector"]
    assert "report" in plan.started_with["evaluate-diagnosis"]
    started = [step for steps in plan.started_with.values() for step in steps]
    assert sorted([*started, "check-parameters"]) == sorted(plan.containers)


def test_the_steps_of_the_longest_chain_go_first() -> None:
    hurried = Plan.of(read_spec(compiled_file("main"))).hurried
    assert {"download", "extract-features", "group-faults", "train-diagnosis"} <= hurried
    assert not {"train-detector", "metrics", "roc-curve"} & hurried


def test_a_loop_is_not_started_early() -> None:
    spec = read_spec(compiled_file("sweep"))
    tasks = spec["root"]["dag"]["tasks"]
    loops = {name for name, task in tasks.items() if "parameterIterator" in task}
    assert loops
    assert tasks.keys() - Plan.of(spec).containers.keys() == loops
