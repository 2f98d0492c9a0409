"""Divide anomalous recordings by how they sound."""

from kfp import dsl

from components import component


@component
def group_faults(
    features: dsl.Input[dsl.Dataset],
    groups: dsl.Output[dsl.Artifact],
    figures: dsl.Output[dsl.Metrics],
    fault_groups: int = -1,
    fault_description: str = "deviation",
    fault_components: int = 2,
    fault_names: str = "",
    seed: int = 0,
    fingerprint: str = "",
):
    """Group the anomalous clips that came unaltered, by principal components and k-means.

    Args:
        features: Feature store of anomalous and normal clips.
        fault_groups: Groups of faults that the anomalous recordings are divided into: -1 has the number chosen, 0 diagnoses nothing.
        fault_description: How clips are heard: deviation from the normal clips of their own machine, or plain, as they are, by which groups become machines.
        fault_components: Principal components that clips are grouped by.
        fault_names: Names of the groups, from the one with most clips, separated by commas, once somebody has listened to them.
        seed: Seed of everything random.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        groups: Every clip's group and its distance to each, what the grouping rests on, or why there is nothing to diagnose.
        figures: Number of groups, clips in each.
    """
    from stethoscope.diagnosis.evaluate import find_groups
    from stethoscope.diagnosis.groups import FaultOptions, names_of

    options = FaultOptions(
        groups=fault_groups,
        description=fault_description,
        components=fault_components,
        names=names_of(fault_names),
        seed=seed,
    )
    found = find_groups(features.path, options, groups.path)
    groups.metadata.update(fingerprint=fingerprint, nothing_to_diagnose=found.reason)
    figures.log_metric("fault_groups", len(found.names))
    for number, clips in found.sizes.items():
        figures.log_metric(f"fault_{number}_clips", clips)
