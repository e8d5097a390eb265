//! Draws out of a file, which hold what they must once they are read.

use ndarray::{Ix1, Ix2};

use super::{Misfit, Report};
use crate::Draws;

super::all_files!(Draws<Ix1>);
super::all_files!(Draws<Ix2>);

impl Report for Draws<Ix1> {
    const NAME: &'static str = "draws of curves";

    fn check(&self) -> Result<(), Misfit> {
        Ok(())
    }
}

impl Report for Draws<Ix2> {
    const NAME: &'static str = "draws of surfaces";

    fn check(&self) -> Result<(), Misfit> {
        Ok(())
    }
}
