"""Group anomalous recordings by how they sound."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.diagnosis.options import FAULTS


@component(*(FAULTS[name] for name in ("groups", "description", "components", "names", "seed")))
def group_faults(
    features: dsl.Input[dsl.Dataset],
    groups: dsl.Output[dsl.Artifact],
    figures: dsl.Output[dsl.Metrics],
    **parameters: Any,
) -> None:
    """Group the anomalous clips that were not altered, by principal components and k-means.

    Args:
        features: Feature store of anomalous and normal clips.

    Returns:
        groups: Group of every clip and its distance to each, or why there is nothing to diagnose.
        figures: Number of groups, clips in each.
    """
    from stethoscope.diagnosis.grouping import find_groups
    from stethoscope.diagnosis.options import FAULTS
    from stethoscope.kubeflow.warnings import keep_warnings

    found = find_groups(features.path, FAULTS.of(parameters), groups.path)
    groups.metadata.update(nothing_to_diagnose=found.reason)
    keep_warnings(groups)
    figures.log_metric("fault_groups", len(found.names))
    for number, clips in found.sizes.items():
        figures.log_metric(f"fault_{number}_clips", clips)
