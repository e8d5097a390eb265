"""The original repository's main script on today's versions of its libraries.

It was written for PyTorch 0.4 and NumPy 1.15. It hands numpy.linspace a number of points that is a float, which NumPy
has refused since 1.18. And a y axis that starts or ends at 0 is taken for one that is not there.
"""

import os
import shutil
import subprocess
import sys
import tempfile

from common import original_repository

source = original_repository()
with tempfile.TemporaryDirectory() as folder:
    # A copy, since the script writes beside itself.
    copy = os.path.join(folder, "original")
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns(".git"))
    for arguments in ("--x=-1:1:3", "--x=-1:1:3 --y=0:1:3"):
        command = ["plot_surface.py", "--model", "resnet20", "--xnorm", "filter", "--xignore", "biasbn"]
        command += arguments.split()
        run = subprocess.run([sys.executable, *command], cwd=copy, capture_output=True, text=True, check=False)
        print("python", " ".join(command))
        print("    ", run.stderr.strip().splitlines()[-1])
        assert run.returncode != 0
