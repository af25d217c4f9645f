"""The library's names: each is there, says what it is, and is loaded when it is first used."""

import importlib.metadata
import inspect

import pytest

import loregraft


@pytest.mark.parametrize("name", loregraft.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    found = getattr(loregraft, name)
    assert found.__name__ == name
    assert inspect.getdoc(found)
    assert name in dir(loregraft)


def test_public_functions_say_what_they_take_and_give():
    for name in loregraft.__all__:
        found = getattr(loregraft, name)
        if inspect.isfunction(found):
            signature = inspect.signature(found)
            assert signature.return_annotation is not inspect.Signature.empty, name
            assert all(p.annotation is not p.empty for p in signature.parameters.values()), name


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'loregraft' has no attribute 'graft'"):
        _ = loregraft.graft


def test_the_version_is_the_installed_one():
    assert loregraft.__version__ == importlib.metadata.version("loregraft")
