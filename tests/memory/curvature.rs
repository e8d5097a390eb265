//! A run takes the memory that it says, however often it restarts.

use crate::bound::total;
use loss_landscape::{
    OracleError, Scalar,
    curvature::{DiagonalEstimator, FnOperator, Lanczos, SymmetricOperator},
};

/// All bytes that a run ever asks for, and its restarts.
fn bytes<S: Scalar>(lanczos: &Lanczos, n: usize) -> (u64, usize) {
    let mut operator = operator::<S>(n);
    let (found, bytes) = total(|| lanczos.run(&mut operator).unwrap());
    (bytes as u64, found.restarts)
}

fn operator<S: Scalar>(n: usize) -> impl SymmetricOperator<Scalar = S> {
    FnOperator::new(n, move |v: &[S], out: &mut [S]| -> Result<(), OracleError> {
        for (i, (out, v)) in out.iter_mut().zip(v).enumerate() {
            *out = S::from_f64((i * i) as f64 / (n * n) as f64) * *v;
        }
        Ok(())
    })
}

pub(crate) fn memory_is_what_it_says() {
    let n = 30_000_usize;
    let room = |vectors: usize| (vectors * n * 8) as u64;
    for (lanczos, restarts) in [
        (Lanczos::new().memory_limit(room(12)).max_products(15), true),
        (Lanczos::new().memory_limit(room(12)).max_products(15).vectors(true), true),
        (Lanczos::new().memory_limit(room(9)).max_products(30), true),
        (Lanczos::new().max_products(15), false),
        (Lanczos::new().max_products(15).vectors(true), false),
    ] {
        let (taken, restarted) = bytes::<f64>(&lanczos.clone().tolerance(1e-9), n);
        let said = lanczos.memory::<f64>(n);
        assert_eq!(restarted > 0, restarts);
        // Beside the vectors a few kilobytes a step, and a tile of the basis at each restart.
        let small = 200_000 * (1 + restarted as u64);
        assert!(said <= taken && taken < said + small, "{taken} bytes where {said} are said: {lanczos:?}");
    }
    let lanczos = Lanczos::new().max_products(15).tolerance(1e-6);
    let (taken, _) = bytes::<f32>(&lanczos, n);
    assert!(lanczos.memory::<f32>(n) == room(16) / 2 && taken < room(16) / 2 + 200_000, "{taken}");

    let diagonal = DiagonalEstimator::new().max_products(20);
    let mut operator = operator::<f64>(n);
    let (_, taken) = total(|| diagonal.run(&mut operator).unwrap());
    let (taken, said) = (taken as u64, diagonal.memory::<f64>(n));
    assert!(said <= taken && taken < said + 10_000, "{taken} bytes where {said} are said");
}
