//! The nine claims of the paper: which work each needs, and how its section of the report is made of the numbers.

mod c1;
mod c2;
mod c3;
mod c4;
mod c5;
mod c6;
mod c7;
mod c8;
mod c9;
mod figures;
mod flatness;
mod larger;

use crate::{
    Cell, Error, Job, Lab, Measurements, Result, Setting, Statistic,
    cell::Kind,
    report::Section,
    verdict::{Prediction, Side},
};

/// A claim of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The line between two minimisers shows the scale of the weights.
    C1,
    /// Along filter-normalised directions, width goes with test error.
    C2,
    /// Networks without skips get chaotic with depth.
    C3,
    /// Wider networks are flatter.
    C4,
    /// Random starts lie in the well-behaved part for networks that train.
    C5,
    /// Where the surface looks convex, the eigenvalue ratio is small.
    C6,
    /// VGG and DenseNet look like their class.
    C7,
    /// Paths of trainings are low-dimensional.
    C8,
    /// Pictures do not depend on the draw.
    C9,
}

impl Claim {
    /// All of them in their order.
    pub const ALL: [Self; 9] =
        [Self::C1, Self::C2, Self::C3, Self::C4, Self::C5, Self::C6, Self::C7, Self::C8, Self::C9];

    /// The claim of this name, in either case.
    ///
    /// # Errors
    /// [`Error::UnknownClaim`].
    pub fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|claim| claim.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| Error::UnknownClaim { name: name.to_owned() })
    }

    /// `C1` to `C9`.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// The work that it needs.
    pub fn jobs(self, setting: &Setting) -> Vec<Job> {
        match self {
            Self::C1 => c1::jobs(setting),
            Self::C2 => c2::jobs(setting),
            Self::C3 => c3::jobs(setting),
            Self::C4 => c4::jobs(setting),
            Self::C5 => c5::jobs(setting),
            Self::C6 => c6::jobs(setting),
            Self::C7 => c7::jobs(setting),
            Self::C8 => c8::jobs(setting),
            Self::C9 => c9::jobs(setting),
        }
    }

    /// Its section of the report, once the work is done.
    ///
    /// # Errors
    /// Those of the [`Lab`] for a result that cannot be read, and of figures.
    pub fn section(self, lab: &Lab, all: &Measurements) -> Result<Section> {
        let section = match self {
            Self::C1 => c1::section(lab, all),
            Self::C2 => c2::section(lab, all),
            Self::C3 => c3::section(lab, all),
            Self::C4 => c4::section(lab, all),
            Self::C5 => c5::section(lab, all),
            Self::C6 => c6::section(lab, all),
            Self::C7 => c7::section(lab, all),
            Self::C8 => c8::section(lab, all),
            Self::C9 => c9::section(lab, all),
        }?;
        Ok(Section { name: self.name(), ..section })
    }
}

/// C3 and C7 on larger images.
pub(crate) use larger::{jobs as larger_jobs, section as larger};

/// Test error beside width, over all networks whose lines were measured.
pub(crate) use flatness::section as flatness;

/// Whether the path of a cell's trainings is kept.
pub(crate) fn is_followed(cell: &Cell, setting: &Setting) -> bool {
    c8::cells(setting).contains(cell)
}

/// Lines through every minimiser of a plain cell.
fn lines(cells: &[Cell], setting: &Setting) -> Vec<Job> {
    let of = |cell: &Cell| {
        let cell = *cell;
        (0..setting.trainings).map(move |training| Job::Lines(cell, training, setting.line_draws))
    };
    cells.iter().flat_map(of).collect()
}

/// Planes and lines through every minimiser.
fn planes(cells: &[Cell], trainings: usize, [planes, lines]: [usize; 2]) -> Vec<Job> {
    let of = |cell: &Cell| {
        let cell = *cell;
        (0..trainings).flat_map(move |training| {
            [Job::Lines(cell, training, lines), Job::Planes(cell, training, planes)]
        })
    };
    cells.iter().flat_map(of).collect()
}

fn names(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(Cell::name).collect()
}

/// That the mean of one cell lies on this side of a number.
fn mean_is(
    all: &Measurements,
    text: String,
    cell: &str,
    measure: &'static str,
    side: Side,
    null: f64,
) -> Result<Prediction> {
    let found = Statistic::mean(all, cell, measure)?;
    let effect = Statistic::effect(all, &[cell.to_owned()], measure, null);
    Ok(Prediction { text, statistic: found, effect, side, null })
}

/// That the mean of the first cell lies on this side of that of the second.
fn differs(
    all: &Measurements,
    text: String,
    [a, b]: [&Cell; 2],
    measure: &'static str,
    side: Side,
) -> Result<Prediction> {
    let [a, b] = [a, b].map(Cell::name);
    let found = Statistic::difference(all, [&a, &b], measure)?;
    let effect = Statistic::effect(all, &[a, b], measure, 0.0);
    Ok(Prediction { text, statistic: found, effect, side, null: 0.0 })
}

/// That two measures go together, or against each other, over all trainings of some cells.
fn goes_with(
    all: &Measurements,
    text: String,
    cells: &[String],
    measures: [&'static str; 2],
    side: Side,
) -> Prediction {
    let found = Statistic::correlation(all, cells, measures);
    Prediction { text, statistic: found, effect: None, side, null: 0.0 }
}

/// The two networks of C1 and C2.
fn pair_kinds(setting: &Setting) -> [Kind; 2] {
    [Kind::ResNet { depth: setting.pair_depth, width: 1, skips: true }, Kind::Vgg9]
}

/// Small and large batch of each network of C1 and C2, without and with decay.
fn pair_cells(setting: &Setting) -> Vec<[Cell; 2]> {
    let of = |kind| {
        [0.0, setting.pair_decay]
            .map(|decay| [true, false].map(|is_small| Cell::pair(kind, is_small, decay, setting)))
    };
    pair_kinds(setting).into_iter().flat_map(of).collect()
}

/// `without decay`, or with how much.
fn decay_words(cell: &Cell) -> String {
    if cell.decay == 0.0 { "without decay".to_owned() } else { format!("with decay {}", cell.decay) }
}

/// The residual networks of C3, with and without skips, by depth.
fn resnets(setting: &Setting) -> Vec<[Cell; 2]> {
    let of = |depth: &usize| [true, false].map(|skips| Cell::resnet(*depth, skips, setting));
    setting.depths.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn claims_are_found_by_their_names_and_others_are_named() {
        for (number, claim) in (1..).zip(Claim::ALL) {
            assert_eq!(Claim::named(&format!("c{number}")).unwrap(), claim);
            assert_eq!(Claim::named(&format!("C{number}")).unwrap(), claim);
        }
        assert_eq!(Claim::ALL.len(), 9);
        let error = Claim::named("C10").unwrap_err();
        assert!(matches!(error, Error::UnknownClaim { .. }));
        assert_eq!(error.to_string(), "there is no claim `C10`: the claims are C1 to C9");
    }
}
