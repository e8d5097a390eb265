//! All integration tests of the crate in one program: linking is most of what tests cost.

mod bad_networks;
mod checkpoint;
mod common;
mod curvature_differences;
mod curvature_extremes;
mod curvature_guards;
mod curvature_journal;
mod curvature_map;
mod curvature_slice;
mod curvature_trace;
mod custom_layers;
mod derivatives;
mod fingerprints;
mod gauss_newton;
mod invariance;
#[path = "../../../../tests/it/lanczos_checks.rs"]
mod lanczos_checks;
mod layering;
mod matching;
mod network_bits;
mod network_derivatives;
mod network_training;
mod networks;
mod paths;
mod pieces;
mod properties;
mod pytorch;
mod resnet;
mod sharpness;
mod single_samples;
mod sweeps_over_networks;
mod transformer;
mod value_stability;
mod zoo;
