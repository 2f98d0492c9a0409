"""How a step is shown, and what it may take of a cluster. A run on one computer passes over all of it."""

from datetime import timedelta

from kfp import dsl, kubernetes

from stethoscope.kubeflow.compiled import USES_GPU

PART_OF = "app.kubernetes.io/part-of"
"""Label of every pod, by which costs are told and nodes are chosen."""


def place(
    task: dsl.PipelineTask,
    display_name: str,
    *,
    cpu: tuple[str, str] = ("250m", "1"),
    memory: tuple[str, str] = ("512Mi", "2Gi"),
    timeout: timedelta = timedelta(hours=1),
    retries: int = 0,
    uses_gpu: bool = False,
) -> dsl.PipelineTask:
    """Name a task and say what it takes.

    Parameters
    ----------
    task : dsl.PipelineTask
    display_name : str
        How the user interface calls it.
    cpu, memory : pair of str
        What is set aside, and what is at most used, in Kubernetes's units.
    timeout : timedelta
        After which the pod is stopped.
    retries : int
        How often it is tried again, after one, two, four... minutes: for what depends on a network.
    uses_gpu : bool
        Whether a GPU makes it faster: `stethoscope compile --gpu` then gives it one.

    Returns
    -------
    dsl.PipelineTask
        The same task.
    """
    task.set_display_name(display_name)
    task.set_cpu_request(cpu[0]).set_cpu_limit(cpu[1]).set_memory_request(
        memory[0]
    ).set_memory_limit(memory[1])
    kubernetes.set_timeout(task, int(timeout.total_seconds()))
    kubernetes.add_pod_label(task, PART_OF, "stethoscope")
    if uses_gpu:
        kubernetes.add_pod_label(task, USES_GPU, "true")
    if retries:
        task.set_retry(
            retries, backoff_duration="60s", backoff_factor=2.0, backoff_max_duration="600s"
        )
    return task
