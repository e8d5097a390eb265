//! The Hessian-vector product of DenseNet-121 against PyTorch's, apart from `tests/networks.rs` for its time.

use crate::common::{Reference, hashed_network, hashed_samples, hashed_vector, projected, relative_error};
use loss_landscape::{HessianProduct, Model};
use loss_landscape_nets::{Architecture, Criterion};

#[test]
fn the_product_is_pytorchs() {
    let architecture = Architecture::densenet121([3, 32, 32], 10).unwrap();
    let net = hashed_network::<f64>(&architecture, Criterion::CrossEntropy, 0, 1.0);
    let data = hashed_samples(2, 3 * 32 * 32, 10);
    let v = hashed_vector(net.layout(), 2_000_000_000);
    let mut product = vec![f64::NAN; v.len()];
    net.hessian_product(net.parameters(), &v, &data, &mut product).unwrap();
    let expected = Reference::load("networks").get("densenet121.blocks_hvp");
    let error = relative_error(projected(net.layout(), &product), expected);
    assert!(error < 1e-8, "{error:e}");
}
