//! A chart: series over a common coordinate, with one or two vertical axes, and what is written around them.

use crate::{
    Error, Result, Scale,
    axis::{
        Axis,
        scale::{Extent, padded},
    },
    caption,
    checks::check_range,
    curves::series::Series,
};

/// Room beyond the data at both ends of a vertical axis, as a share of it.
const MARGIN: f64 = 0.04;

/// What a chart holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chart {
    pub(crate) series: Vec<Series>,
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) left_label: String,
    pub(crate) right_label: String,
    pub(crate) left_scale: Scale,
    pub(crate) left_range: Option<(f64, f64)>,
    pub(crate) right_range: Option<(f64, f64)>,
    pub(crate) guides: Vec<Guide>,
    /// What the caption says before it counts what is hidden.
    pub(crate) notes: Vec<String>,
    /// Whether what is below the axes is left out on purpose, and not counted.
    pub(crate) cut: bool,
}

/// A vertical line at a coordinate.
#[derive(Clone, Debug)]
pub(crate) struct Guide {
    pub(crate) x: f64,
    pub(crate) label: String,
}

/// The axes of a chart.
#[derive(Debug)]
pub(crate) struct ChartAxes {
    pub(crate) x: Axis,
    pub(crate) left: Option<Axis>,
    pub(crate) right: Option<Axis>,
}

impl ChartAxes {
    /// The vertical axis of a series.
    pub(crate) fn of(&self, series: &Series) -> Option<&Axis> {
        if series.right { self.right.as_ref() } else { self.left.as_ref() }
    }
}

impl Chart {
    /// Adds a vertical line.
    pub(crate) fn guide(&mut self, x: f64, label: impl Into<String>) {
        self.guides.push(Guide { x, label: label.into() });
    }

    /// Checks all that was given.
    pub(crate) fn check(&self) -> Result<()> {
        if self.series.is_empty() {
            return Err(Error::Empty { what: "series" });
        }
        self.series.iter().try_for_each(Series::check)?;
        match self.guides.iter().enumerate().find(|(_, guide)| !guide.x.is_finite()) {
            Some((index, guide)) => {
                Err(Error::NotFinite { what: format!("guide `{}`", guide.label), index, value: guide.x })
            }
            None => Ok(()),
        }
    }

    /// The axes that all series need.
    pub(crate) fn axes(&self) -> Result<ChartAxes> {
        let coordinates = self.series.iter().flat_map(|c| c.x.iter().copied());
        let extent = Extent::of(coordinates.chain(self.guides.iter().map(|g| g.x)));
        let (lo, hi) = extent.map_or((0.0, 1.0), |e| e.range(false));
        Ok(ChartAxes {
            x: Axis::new(lo, hi, false, 7),
            left: self.vertical_axis(false)?,
            right: self.vertical_axis(true)?,
        })
    }

    /// The left or right axis, if curves use it.
    fn vertical_axis(&self, right: bool) -> Result<Option<Axis>> {
        let series = || self.series.iter().filter(|c| c.right == right);
        if series().next().is_none() {
            return Ok(None);
        }
        let (what, scale, range) = if right {
            ("right axis", Scale::Linear, self.right_range)
        } else {
            ("left axis", self.left_scale, self.left_range)
        };
        let extent = Extent::of(series().flat_map(Series::values))
            .ok_or_else(|| Error::NoFiniteValue { what: what.to_owned() })?;
        let log = scale.is_log(&extent, range.iter().flat_map(|&(lo, hi)| [lo, hi]));
        if log && extent.max <= 0.0 {
            return Err(Error::NoPositiveValue { what: what.to_owned() });
        }
        if let Some(range) = range {
            check_range(what, range, log)?;
        }
        let (lo, hi) = range.unwrap_or_else(|| padded(extent.range(log), log, [MARGIN; 2]));
        Ok(Some(Axis::new(lo, hi, log, 7)))
    }

    /// What the figure does not show, for its caption.
    pub(crate) fn notes(&self, axes: &ChartAxes) -> Vec<String> {
        let total = self.series.iter().map(|c| c.y.len()).sum();
        let count = |hidden: &dyn Fn(&Axis, f64) -> bool| -> usize {
            let of =
                |c: &Series| axes.of(c).map_or(0, |axis| c.y.iter().filter(|&&v| hidden(axis, v)).count());
            self.series.iter().map(of).sum()
        };
        let not_positive = |axis: &Axis, v: f64| axis.is_log() && v.is_finite() && v <= 0.0;
        let counted = [
            (count(&|_, v| !v.is_finite()), "not finite"),
            (count(&not_positive), "not positive (logarithmic axis)"),
            (
                count(&|a, v| !self.cut && v.is_finite() && !not_positive(a, v) && a.is_above(v)),
                "below the axis range",
            ),
            (count(&|a, v| v.is_finite() && a.is_below(v)), "above the axis range"),
        ];
        let counted = counted.into_iter().filter_map(|(n, what)| caption::note(n, total, "points", what));
        self.notes.iter().cloned().chain(counted).collect()
    }
}
