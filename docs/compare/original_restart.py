"""The original repository's restart: which points does it think are still to do?

Points not computed yet are marked with −1, and `scheduler.get_unplotted_indices` takes everything ≤ 0 for such a
mark. A comment in the code says so. A loss that is 0 or negative (a log-likelihood, a reward) is computed again by
every restart, and so is an accuracy of 0 if it is what is looked at.
"""

import numpy as np
from common import original_repository

original_repository()
import scheduler  # of the original repository

finished = np.array([0.5, 0.0, -0.3, 2.0, -7.0])
again, _ = scheduler.get_unplotted_indices(finished, np.arange(5.0))
print("values of a finished sweep:  ", finished)
print("points that it would redo:   ", again)
assert list(again) == [1, 2, 4]
