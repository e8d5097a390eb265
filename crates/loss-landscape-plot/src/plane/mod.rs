//! Figures over two directions: what they hold, how values become colours, and the layers they are drawn in.

pub(crate) mod bands;
pub(crate) mod canvas;
pub(crate) mod colorbar;
pub(crate) mod critical_points;
mod line_numbers;
mod markers;
mod overlay;
pub(crate) mod shades;
pub(crate) mod shared;
pub(crate) mod sheet;
mod trajectory;
pub(crate) mod values;
