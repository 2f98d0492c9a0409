"""Which steps of a run go first."""

import itertools

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


def test_the_longest_chain_of_the_main_pipeline() -> None:
    plan = Plan.of(read_spec(compiled_file("main")))
    assert plan.chain == (
        "check-parameters",
        "download",
        "extract-features",
        "group-faults",
        "train-diagnosis",
        "evaluate-diagnosis",
        "export-model",
        "register-model",
    )
    assert plan.started_with == {before: [step] for before, step in itertools.pairwise(plan.chain)}


def test_a_loop_is_not_started_early() -> None:
    spec = read_spec(compiled_file("sweep"))
    tasks = spec["root"]["dag"]["tasks"]
    loops = {name for name, task in tasks.items() if "parameterIterator" in task}
    assert loops
    plan = Plan.of(spec)
    assert tasks.keys() - plan.containers.keys() == loops
    assert not loops & {step for steps in plan.started_with.values() for step in steps}
