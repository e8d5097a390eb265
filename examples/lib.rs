//! The examples of the workspace are in the files beside this one; this library only tests the README's code.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
