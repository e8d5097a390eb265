//! All integration tests of the crate in one program: linking is most of what tests cost.

mod adaptive;
mod architecture;
mod bad_points;
mod curvature_bounds;
mod curvature_solver;
mod draws;
mod execution;
#[cfg(unix)]
mod file_kinds;
mod foreign_files;
mod gauss_newton;
mod journal;
mod journal_processes;
mod lanczos_checks;
mod matching;
mod paths;
#[allow(dead_code, unreachable_pub, reason = "a module of an example, which uses it in another way")]
#[path = "../../examples/processes/pipes.rs"]
mod pipes;
mod planes;
mod processes;
mod quadratic;
mod sampled;
mod serialised;
mod sharpness;
mod topology;
mod trajectory;
