"""Imports what a server and a training import, lazily imported libraries included: see tests/forked.py."""

import importlib
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

for name in (
    "deskyard.cli.main",
    "deskyard.inference.loading",
    "deskyard.text.cleaning",
    "service.app",
    "service.cli.serve",
    "service.cli.connect",
    "service.sync.dbos_engine",
    "training.cli.train",
    "training.pipeline.run",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "nltk.stem.snowball",
    "psycopg",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql",
):
    importlib.import_module(name)
