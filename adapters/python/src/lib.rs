//! The compiled part of the Python package `loss_landscape`: what crosses between the core and Python.
//!
//! Objects of Python are oracles ([`oracle`]); sweeps run without Python's lock and take it for each call ([`sweep`]),
//! and what the core runs on threads of its own asks the calling thread ([`relay`]).
//! All that Python users see is written in Python, in `python/loss_landscape`.

mod barriers;
mod curvature;
mod errors;
mod figures;
mod layout;
mod matching;
mod oracle;
mod paths;
mod planes;
mod relay;
mod results;
mod sharpness;
mod sweep;
mod topology;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<layout::PyLayout>()?;
    module.add_class::<layout::PyDirection>()?;
    module.add_class::<results::PyLandscape>()?;
    module.add_class::<curvature::PyDensity>()?;
    module.add_class::<topology::PyTopology>()?;
    module.add_class::<barriers::PyBarrierMatrix>()?;
    module.add_function(wrap_pyfunction!(layout::draw, module)?)?;
    module.add_function(wrap_pyfunction!(layout::through, module)?)?;
    module.add_function(wrap_pyfunction!(layout::content_hash_of, module)?)?;
    module.add_function(wrap_pyfunction!(sweep::sweep, module)?)?;
    module.add_function(wrap_pyfunction!(results::read_journal, module)?)?;
    module.add_function(wrap_pyfunction!(results::merge_journals, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::extremes, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::eigenpairs, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::trace, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::diagonal, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::density, module)?)?;
    module.add_function(wrap_pyfunction!(planes::slice_curvature, module)?)?;
    module.add_function(wrap_pyfunction!(planes::gradient_directions, module)?)?;
    module.add_function(wrap_pyfunction!(planes::directional_curvatures, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::gauss_newton_split, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::part_product, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::check, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::gradient, module)?)?;
    module.add_function(wrap_pyfunction!(sharpness::sharpness, module)?)?;
    module.add_function(wrap_pyfunction!(topology::topology, module)?)?;
    module.add_function(wrap_pyfunction!(matching::match_units, module)?)?;
    module.add_function(wrap_pyfunction!(matching::permute, module)?)?;
    module.add_function(wrap_pyfunction!(matching::random_orders, module)?)?;
    module.add_function(wrap_pyfunction!(matching::check_permutations, module)?)?;
    module.add_function(wrap_pyfunction!(matching::assignment, module)?)?;
    module.add_function(wrap_pyfunction!(figures::figure, module)?)?;
    module.add_function(wrap_pyfunction!(figures::ratio_figure, module)?)?;
    module.add_function(wrap_pyfunction!(figures::fan_figure, module)?)?;
    module.add_function(wrap_pyfunction!(figures::page, module)?)?;
    module.add_function(wrap_pyfunction!(figures::write_file, module)?)?;
    module.add_function(wrap_pyfunction!(paths::principal_plane, module)?)?;
    module.add_function(wrap_pyfunction!(paths::barrier, module)?)?;
    module.add_function(wrap_pyfunction!(paths::train_path, module)?)?;
    Ok(())
}
