"""How a step is shown, and what it may take of a cluster; a run on one computer ignores it."""

from dataclasses import dataclass
from datetime import timedelta

from kfp import dsl, kubernetes

from stethoscope.kubeflow.settings import READS_RECORDINGS, USES_GPU

PART_OF = "app.kubernetes.io/part-of"
"""Label of every pod, by which costs are attributed and nodes are chosen."""

_FIRST_PAUSE = 60  # seconds before the second attempt; each further pause is twice as long


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a step takes of a cluster.

    Attributes
    ----------
    cpu, memory : pair of str
        Request and limit, in Kubernetes's units.
    timeout : timedelta
        Time after which the pod is stopped.
    retries : int
        Number of further attempts, after one, two, four... minutes: for what depends on a network.
        A pod that is deleted or evicted is not tried again: KFP leaves Argo's policy at OnFailure.
    uses_gpu : bool
        Whether the step trains. A GPU makes it faster, which `stethoscope compile --gpu` then
        requests, and it has the image of `--train-image`.
    reads_recordings : bool
        Whether the step opens the addresses of recordings: it then sees the volumes and the
        credentials of `stethoscope compile --volume` and `--secret`.
    """

    cpu: tuple[str, str] = ("250m", "1")
    memory: tuple[str, str] = ("512Mi", "2Gi")
    timeout: timedelta = timedelta(hours=1)
    retries: int = 0
    uses_gpu: bool = False
    reads_recordings: bool = False

    @property
    def seconds_of_retries(self) -> int:
        """How long all attempts together may take, with the pauses between them.

        Argo counts this limit from the start of the first attempt, and stops the last pod at its
        end; at a shorter limit no attempt would follow a long one.
        """
        pauses = _FIRST_PAUSE * (2.0**self.retries - 1)
        return int((1 + self.retries) * self.timeout.total_seconds() + pauses)


CHECKS = Needs(timeout=timedelta(minutes=15), reads_recordings=True)
DOWNLOADS = Needs(timeout=timedelta(hours=12), retries=3, reads_recordings=True)
EXTRACTS = Needs(cpu=("1", "4"), memory=("1Gi", "4Gi"), timeout=timedelta(hours=6))
TRAINS = Needs(cpu=("2", "8"), memory=("2Gi", "8Gi"), timeout=timedelta(hours=24), uses_gpu=True)
EVALUATES = Needs(cpu=("1", "4"), memory=("1Gi", "4Gi"))
HOLDS_FEATURES = Needs(memory=("1Gi", "4Gi"))
SHOWS = Needs()
REGISTERS = Needs(timeout=timedelta(minutes=15), retries=2)


def place(task: dsl.PipelineTask, display_name: str, needs: Needs) -> dsl.PipelineTask:
    """Name a task in the user interface and set the resources that it takes of a cluster.

    Returns
    -------
    dsl.PipelineTask
        The same task.
    """
    task.set_display_name(display_name)
    task.set_cpu_request(needs.cpu[0]).set_cpu_limit(needs.cpu[1])
    task.set_memory_request(needs.memory[0]).set_memory_limit(needs.memory[1])
    kubernetes.set_timeout(task, int(needs.timeout.total_seconds()))
    kubernetes.add_pod_label(task, PART_OF, "stethoscope")
    if needs.uses_gpu:
        kubernetes.add_pod_label(task, USES_GPU, "true")
    if needs.reads_recordings:
        kubernetes.add_pod_label(task, READS_RECORDINGS, "true")
    if needs.retries:
        task.set_retry(
            needs.retries,
            backoff_duration=f"{_FIRST_PAUSE}s",
            backoff_factor=2.0,
            backoff_max_duration=f"{needs.seconds_of_retries}s",
        )
    return task
