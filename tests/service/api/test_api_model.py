"""Models of the API describe their members where they stand."""

import importlib
import pkgutil

from pydantic import BaseModel

import service.api
from service.api.api_model import ApiModel


def test_the_text_below_a_member_is_its_description():
    class Body(ApiModel):
        member: int
        """What it means."""

    assert Body.model_json_schema()["properties"]["member"]["description"] == "What it means."


def test_all_models_of_the_api_have_that_base():
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(service.api.__path__, "service.api.")]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    }
    assert len(found) > 60
    assert [model.__name__ for model in found if not issubclass(model, ApiModel)] == []
