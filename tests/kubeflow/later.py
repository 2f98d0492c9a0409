"""A module that imports another one only once it needs it, for steps of test pipelines."""

IMPORTED_LATER = ("tests.kubeflow.early",)


def word() -> str:
    from tests.kubeflow.early import WORD

    return WORD
