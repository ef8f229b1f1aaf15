"""What users of help desks have met in mailboxes and exports, each case with its right outcome: all come out right."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[3] / "shared" / "field" / "check.py"


@pytest.mark.scale
@pytest.mark.skipif(not CHECK.is_file(), reason="the field cases of ../shared are not here")
def test_every_case_of_the_field_comes_out_right():
    done = subprocess.run(
        [sys.executable, CHECK, Path(sys.executable).with_name("deskyard")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" pass") >= 25
