"""The order of a local run's steps: each begins as soon as the steps that it depends on have ended.

KFP's own local runner executes independent steps one after the other.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from stethoscope.kubeflow.order import Dependencies, heights
from stethoscope.kubeflow.steps import LOCAL
from stethoscope.resources import processors


def run_steps(
    dependencies: Dependencies,
    execute: Callable[[str], bool],
    *,
    at_once: int,
) -> list[str]:
    """Execute steps, as many at the same time as are allowed and do not depend on each other.

    Of several steps that can begin, the one with the longest chain of steps behind it goes first.
    After a failure no further step begins; those that are running are waited for.

    Parameters
    ----------
    dependencies : mapping of str to frozenset of str
        Steps, and for each the steps that it needs.
    execute : callable
        Executes a step, in a thread of its own, and returns whether it succeeded.
    at_once : int
        Number of steps that may run at the same time.

    Returns
    -------
    list of str
        Steps that failed; empty if all succeeded.
    """
    height = heights(dependencies)
    waiting = sorted(dependencies, key=lambda step: (-height[step], step))
    running: dict[Future[bool], str] = {}
    succeeded: set[str] = set()
    failed: list[str] = []
    with ThreadPoolExecutor(at_once) as pool:
        while waiting or running:
            ready = [step for step in waiting if dependencies[step] <= succeeded]
            for step in ready[: 0 if failed else at_once - len(running)]:
                waiting.remove(step)
                running[pool.submit(execute, step)] = step
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                step = running.pop(future)
                if future.result():
                    succeeded.add(step)
                else:
                    failed.append(step)
    return failed


def run_dag(
    *,
    dag_component_spec: Any,
    components: Mapping[str, Any],
    dag_arguments: dict[str, Any],
    fail_stack: list[str],
    **settings: Any,
) -> tuple[dict[str, Any], Any]:
    """Run a pipeline without loops and conditions, in place of KFP's function of this name.

    Parameters
    ----------
    dag_component_spec : ComponentSpec
        The pipeline.
    components : mapping of str to ComponentSpec
    dag_arguments : dict
        Values of its parameters that differ from their defaults.
    fail_stack : list of str
        Is extended by the names of the steps that failed.
    **settings : Any
        Passed to KFP's function that executes a step.

    Returns
    -------
    outputs : dict
        Outputs of the pipeline, empty if a step failed.
    status : kfp.local.status.Status
    """
    from kfp.local.io import IOStore
    from kfp.local.orchestrator.orchestrator_utils import OrchestratorUtils
    from kfp.local.orchestrator.task_executor import execute_single_task
    from kfp.local.status import Status

    dag, store = dag_component_spec.dag, IOStore()
    given = OrchestratorUtils.join_user_inputs_and_defaults(
        dag_arguments=dag_arguments, dag_inputs_spec=dag_component_spec.input_definitions
    )
    for name, value in given.items():
        store.put_parent_input(name, value)

    def execute(step: str) -> bool:
        outputs, status = execute_single_task(
            task_name=step,
            task_spec=dag.tasks[step],
            components=components,
            io_store=store,
            fail_stack=fail_stack,
            **settings,
        )
        for name, value in outputs.items():
            store.put_task_output(step, name, value)
        return bool(status == Status.SUCCESS)

    dependencies = {name: frozenset(task.dependent_tasks) for name, task in dag.tasks.items()}
    fail_stack += run_steps(dependencies, execute, at_once=steps_at_once())
    if fail_stack:
        return {}, Status.FAILURE
    return OrchestratorUtils.get_dag_outputs(
        dag_outputs_spec=dag.outputs, io_store=store
    ), Status.SUCCESS


def steps_at_once() -> int:
    """Return how many steps may run at the same time.

    It is two, because of their memory. A run that is a step of another one, an item of a sweep,
    runs beside other such runs, and has one.
    """
    return 1 if LOCAL in os.environ else min(2, processors())
