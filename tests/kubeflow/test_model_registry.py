"""Kubeflow's Model Registry, against a registry that checks the published API."""

from collections.abc import Iterator

import pytest

from stethoscope.kubeflow.model_registry import RegistryError, as_properties, register
from tests.kubeflow.fake_registry import Registry

GIVEN = {
    "name": "fan",
    "version": "0.1.0-abc",
    "uri": "s3://bucket/bundle",
    "description": "Detector of fan/00",
    "properties": {"auc": 0.9, "machines": "fan/00"},
}


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.close()


def test_version_is_registered_once_with_its_figures_and_its_address(registry: Registry) -> None:
    assert register(registry.address, **GIVEN)
    assert not register(registry.address, **GIVEN)
    [model], [version], [artifact] = (
        list(table.values()) for table in (registry.models, registry.versions, registry.artifacts)
    )
    assert (model["name"], version["name"]) == ("fan", "0.1.0-abc")
    assert version["registeredModelId"] == model["id"]
    properties = version["customProperties"]
    assert properties["auc"]["double_value"] == 0.9
    assert properties["machines"]["string_value"] == "fan/00"
    assert (artifact["uri"], artifact["modelFormatName"]) == ("s3://bucket/bundle", "stethoscope")
    assert register(registry.address, **{**GIVEN, "version": "0.1.0-def"})
    assert len(registry.models) == 1
    assert len(registry.versions) == 2


def test_registry_that_refuses_or_is_absent_is_named(registry: Registry) -> None:
    registry.refusal = 403
    with pytest.raises(RegistryError, match=rf"{registry.address} refuses: 403 .*not allowed"):
        register(registry.address, **GIVEN)
    with pytest.raises(RegistryError, match=r"no Model Registry answers at http://127\.0\.0\.1:9"):
        register("http://127.0.0.1:9", **GIVEN)


def test_properties_are_texts_and_numbers() -> None:
    assert as_properties({"a": None, "b": 0.5, "c": 3, "d": "x"}) == {"b": 0.5, "c": "3", "d": "x"}
