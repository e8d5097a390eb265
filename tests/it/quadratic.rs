//! A quadratic loss with known eigenvalues, for closed forms.

use loss_landscape::{Block, Gradient, HessianProduct, Layout, Loss, Model, OracleError, Role};
use nalgebra::{DMatrix, DVector};

/// L(θ) = ½·(θ − m)ᵀA(θ − m) + gᵀ(θ − m), with θ = m.
pub(crate) struct Quadratic {
    pub(crate) layout: Layout,
    pub(crate) minimum: DVector<f64>,
    pub(crate) a: DMatrix<f64>,
    pub(crate) slope: DVector<f64>,
}

impl Quadratic {
    /// With these eigenvalues and two buffers at the end, at a stationary point unless a slope is added.
    pub(crate) fn new(eigenvalues: &[f64]) -> Self {
        let n = eigenvalues.len();
        let wave = DMatrix::from_fn(n, n, |i, j| ((3 * i * i + 5 * j + 1) as f64).sin());
        let q = wave.qr().q();
        let a = &q * DMatrix::from_diagonal(&DVector::from_row_slice(eigenvalues)) * q.transpose();
        let minimum = DVector::from_fn(n, |i, _| (i as f64 + 0.5).cos() * if i % 4 == 3 { 0.0 } else { 2.0 });
        let layout = Layout::new([
            Block::weight("w", [n - 4, 1], 0),
            Block::bias("b", [2]),
            Block::new("m", [2], Role::Buffer, None),
        ])
        .unwrap();
        Self { layout, minimum, a, slope: DVector::zeros(n) }
    }

    fn away(&self, theta: &[f64]) -> DVector<f64> {
        DVector::from_row_slice(theta) - &self.minimum
    }
}

impl Model for Quadratic {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        self.minimum.as_slice()
    }
}

impl Loss<()> for Quadratic {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        let away = self.away(theta);
        Ok(0.5 * away.dot(&(&self.a * &away)) + self.slope.dot(&away))
    }
}

impl Gradient<()> for Quadratic {
    fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
        out.copy_from_slice((&self.a * self.away(theta) + &self.slope).as_slice());
        self.loss(theta, data)
    }
}

impl HessianProduct<()> for Quadratic {
    fn hessian_product(&self, _: &[f64], v: &[f64], (): &(), out: &mut [f64]) -> Result<(), OracleError> {
        out.copy_from_slice((&self.a * DVector::from_row_slice(v)).as_slice());
        Ok(())
    }
}
