"""deskyard, the shared core: what both programs mean by ticket, prediction and decision.

`training` learns from yesterday, `service` routes today; both import this package and never each other.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("deskyard")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "0+unknown"
