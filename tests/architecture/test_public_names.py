"""The public face is exactly what it says it is, and says what it is for."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import protomem
import protomem_api
import protomem_client
import protomem_store

PACKAGES = [protomem, protomem_store, protomem_api, protomem_client]
if importlib.util.find_spec("flwr"):  # protomem[federated]
    PACKAGES.append(importlib.import_module("protomem_flower"))


def public_members(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name in module.__all__:
        yield f"{module.__name__}.{name}", getattr(module, name)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def lacks_docstring(member: object) -> bool:
    """True for a function or class without a docstring of its own."""
    return (inspect.isclass(member) or inspect.isroutine(member)) and not (member.__doc__ or "").strip()


def undocumented_methods(cls: type) -> list[str]:
    """Public methods and properties of the class itself; what a base class or a protocol documents is documented."""
    return [
        name
        for name, member in vars(cls).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, property | classmethod | staticmethod))
        and not inspect.getdoc(getattr(cls, name))
    ]


def test_the_namespace_of_protomem_is_exactly_all() -> None:
    public = {name for name, member in vars(protomem).items() if not (name.startswith("_") or inspect.ismodule(member))}
    assert public == set(protomem.__all__)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_all_names_what_is_there_once_and_in_order(package: ModuleType) -> None:
    for module in modules(package):
        names = list(getattr(module, "__all__", ()))
        assert len(names) == len(set(names)), f"{module.__name__}.__all__ names something twice"
        missing = [name for name in names if not hasattr(module, name)]
        assert not missing, f"{module.__name__}.__all__ names what is not there: {missing}"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_function_and_class_has_a_docstring(package: ModuleType) -> None:
    bare = {
        name
        for module in modules(package)
        if hasattr(module, "__all__")
        for name, member in public_members(module)
        if lacks_docstring(member)
    }
    assert not bare, "say what these are, in a docstring: " + ", ".join(sorted(bare))


@pytest.mark.parametrize("name", sorted(name for name in protomem.__all__ if inspect.isclass(getattr(protomem, name))))
def test_every_method_of_a_public_class_has_a_docstring(name: str) -> None:
    cls = getattr(protomem, name)
    if name == "Encoder":
        pytest.skip("a protocol of plain properties, which its class docstring names one by one")
    bare = [method for method in undocumented_methods(cls) if method not in dir(protomem.Encoder)]
    assert not bare, f"protomem.{name} has methods without a docstring: {bare}"


def test_every_error_is_public_and_of_one_tree() -> None:
    errors = importlib.import_module("protomem.errors")
    for name, error in public_members(errors):
        assert issubclass(error, protomem.ProtomemError), f"{name} is outside the error tree"
        assert name.rpartition(".")[2] in protomem.__all__, f"{name} is not public"
