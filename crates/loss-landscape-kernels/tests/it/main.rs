//! The kernels against plain arithmetic. They are tests of the library from outside, so that it is compiled once.

mod buffers;
mod convolutions;
mod exponentials;
mod gemm;
mod nonlinearities;
