//! The Hessian in two parts, H = G + R: what the curvature of the criterion puts into it, and what that of the network.

mod operator;
mod report;
mod split;

pub use operator::GaussNewtonOperator;
pub use report::GaussNewtonReport;
pub use split::GaussNewtonSplit;
