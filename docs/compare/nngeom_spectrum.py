"""nngeom 0.2.0: what hessian_spectrum returns by default.

Ten Lanczos steps, and all ten Ritz values under the name of eigenvalues, without residuals. The outer ones are
estimates, the inner ones are near no particular eigenvalue, and `negative_fraction`, said to be the fraction of
computed eigenvalues that are negative, counts Ritz values.
"""

import nngeom
import numpy as np

# One hundred negative eigenvalues of 2,000, and three outliers.
truth = np.concatenate([[10.0, 9.0, 8.0], np.linspace(0.001, 1.0, 1897), np.linspace(-0.3, -0.001, 100)])
model = nngeom.Model.from_function(
    {"w": np.zeros(truth.size)},
    lambda p, _: float(0.5 * np.sum(truth * p["w"] ** 2)),
    lambda p, _: {"w": truth * p["w"]},
)
spectrum = nngeom.hessian_spectrum(model, None, k=5, seed=0, trace=False)
largest = np.sort(truth)[::-1]
print("k = 5, returned", len(spectrum.eigenvalues), "values")
print("returned:        ", np.round(spectrum.eigenvalues, 3))
print("true, largest:   ", np.round(largest[:5], 3), "smallest:", round(truth.min(), 3))
print(f"negative_fraction {spectrum.negative_fraction():.2f}, "
      f"true share of negative eigenvalues {np.mean(truth < 0):.2f}")
assert len(spectrum.eigenvalues) == 10
assert abs(spectrum.eigenvalues[-1] - truth.min()) > 0.05 * abs(truth.min())
