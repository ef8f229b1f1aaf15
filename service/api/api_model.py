"""The base of all models of requests and responses: the text below a member describes it wherever the API is shown."""

from pydantic import BaseModel


class ApiModel(BaseModel, use_attribute_docstrings=True):
    """A body of the API. A test fails for each member without a description."""
