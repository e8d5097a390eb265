//! How large a study is: which networks, how many trainings, draws and points.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// All that decides a study's numbers. It is kept in the folder of the study, and a folder holds one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// `quick`, `full` or `tiny`.
    pub name: String,
    /// Trainings of every network, from different seeds. At least 2.
    pub trainings: usize,
    /// Epochs of a training.
    pub epochs: usize,
    /// Training images on which landscapes are measured, the first of the data.
    pub samples: usize,
    /// Points of a line through a minimiser over [−1.5, 1.5], odd.
    pub line_points: usize,
    /// Lines through every minimiser.
    pub line_draws: usize,
    /// Points along each axis of a plane over [−1, 1]², odd.
    pub plane_points: usize,
    /// Planes through every minimiser of C3 and C7.
    pub plane_draws: usize,
    /// C1 and C2: the depth of the residual network beside VGG-9.
    pub pair_depth: usize,
    /// C1 and C2: epochs.
    pub pair_epochs: usize,
    /// C1 and C2: the mini-batch of the small ones.
    pub pair_batch: usize,
    /// C1 and C2: that of the large ones; the data have 1,437 images.
    pub pair_large: usize,
    /// C1 and C2: the weight decay of those with decay.
    pub pair_decay: f64,
    /// C1: points of the line between two minimisers over [−0.5, 1.5].
    pub segment_points: usize,
    /// C3: depths of the residual networks, ascending.
    pub depths: Vec<usize>,
    /// C4: the depth of the wide networks, and their widths, ascending.
    pub wide_depth: usize,
    /// See [`wide_depth`](Self::wide_depth).
    pub widths: Vec<usize>,
    /// C4 and the DenseNet of C7: trainings, which are fewer because they take long.
    pub large_trainings: usize,
    /// C4 and the DenseNet of C7: epochs.
    pub large_epochs: usize,
    /// C4 and the DenseNet of C7: planes, and lines, through every minimiser.
    pub large_draws: usize,
    /// C6: the depths of the networks, with and without skips.
    pub map_depths: Vec<usize>,
    /// C6: points along each axis of a map, odd.
    pub map_points: usize,
    /// C6: training images.
    pub map_samples: usize,
    /// C6: trainings of each network of which a map is made.
    pub map_trainings: usize,
    /// C7: DenseNet-121 itself, or its small sibling.
    pub densenet_121: bool,
    /// C8: the depth of the residual network beside VGG-9.
    pub path_depth: usize,
    /// C3: points along each axis of the picture of the network before the deepest, odd.
    pub picture_points: usize,
    /// C3 and C7 once more, on larger images: each size has a section of its own.
    pub larger: Vec<Larger>,
}

/// C3 and C7 on images that are enlarged, with the deepest networks trained by Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Larger {
    /// Pixels along each side of an image, a multiple of 8.
    pub side: usize,
    /// Trainings of every network. At least 2.
    pub trainings: usize,
    /// Epochs.
    pub epochs: usize,
    /// Images in a mini-batch of Adam.
    pub batch: usize,
    /// Training images on which landscapes are measured, the first of the data.
    pub samples: usize,
    /// Planes through every minimiser.
    pub draws: usize,
}

impl Setting {
    /// All nine claims; about 700 seconds of one core.
    pub fn quick() -> Self {
        Self {
            name: "quick".to_owned(),
            trainings: 3,
            epochs: 15,
            samples: 128,
            line_points: 31,
            line_draws: 4,
            plane_points: 11,
            plane_draws: 2,
            pair_depth: 8,
            pair_epochs: 10,
            pair_batch: 32,
            pair_decay: 5e-3,
            segment_points: 41,
            depths: vec![8, 20, 44],
            wide_depth: 8,
            widths: vec![1, 2, 4],
            map_depths: vec![8, 20],
            map_points: 5,
            map_samples: 64,
            map_trainings: 2,
            densenet_121: false,
            path_depth: 8,
            picture_points: 25,
            larger: Vec::new(),
            large_trainings: 3,
            large_epochs: 8,
            large_draws: 2,
            pair_large: 480,
        }
    }

    /// The paper's depths and widths, in hours.
    pub fn full() -> Self {
        Self {
            name: "full".to_owned(),
            trainings: 5,
            epochs: 60,
            samples: 256,
            line_points: 31,
            line_draws: 10,
            plane_points: 13,
            plane_draws: 10,
            pair_depth: 20,
            pair_epochs: 40,
            pair_batch: 128,
            pair_decay: 5e-3,
            segment_points: 81,
            depths: vec![20, 56, 110],
            wide_depth: 14,
            widths: vec![1, 2, 4, 8],
            map_depths: vec![20, 56],
            map_points: 7,
            map_samples: 64,
            map_trainings: 3,
            densenet_121: true,
            path_depth: 20,
            picture_points: 51,
            larger: vec![
                Larger { side: 16, trainings: 3, epochs: 60, batch: 128, samples: 128, draws: 4 },
                Larger { side: 32, trainings: 3, epochs: 40, batch: 128, samples: 128, draws: 4 },
            ],
            large_trainings: 3,
            large_epochs: 15,
            large_draws: 2,
            pair_large: 1437,
        }
    }

    /// Seconds, for tests: the numbers mean nothing.
    pub fn tiny() -> Self {
        Self {
            name: "tiny".to_owned(),
            trainings: 2,
            epochs: 2,
            samples: 32,
            line_points: 5,
            line_draws: 2,
            plane_points: 5,
            plane_draws: 2,
            pair_depth: 8,
            pair_epochs: 2,
            pair_batch: 256,
            pair_decay: 5e-3,
            segment_points: 9,
            depths: vec![8, 14],
            wide_depth: 8,
            widths: vec![1, 2],
            map_depths: vec![8],
            map_points: 3,
            map_samples: 16,
            map_trainings: 2,
            densenet_121: false,
            path_depth: 8,
            picture_points: 5,
            larger: vec![Larger { side: 16, trainings: 2, epochs: 2, batch: 256, samples: 16, draws: 2 }],
            large_trainings: 2,
            large_epochs: 1,
            large_draws: 2,
            pair_large: 480,
        }
    }

    /// Whether all numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first that is not.
    pub fn check(&self) -> Result<()> {
        let odd = |n: usize| n >= 3 && n % 2 == 1;
        let rising = |list: &[usize]| list.len() >= 2 && list.windows(2).all(|w| w[0] < w[1]);
        let checks = [
            ("the number of trainings", self.trainings, self.trainings >= 2, "2 or more"),
            ("the number of epochs", self.epochs, self.epochs >= 2, "2 or more"),
            ("the number of images", self.samples, (16..=1437).contains(&self.samples), "16 to 1437"),
            ("the points of a line", self.line_points, odd(self.line_points), "odd, and 3 or more"),
            ("the trainings of large networks", self.large_trainings, self.large_trainings >= 2, "2 or more"),
            (
                "the trainings of maps",
                self.map_trainings,
                (2..=self.trainings).contains(&self.map_trainings),
                "2 to the number of trainings",
            ),
            ("the draws of large networks", self.large_draws, self.large_draws >= 2, "2 or more"),
            ("the number of lines", self.line_draws, self.line_draws >= 2, "2 or more"),
            ("the points of a plane", self.plane_points, odd(self.plane_points), "odd, and 3 or more"),
            ("the number of planes", self.plane_draws, self.plane_draws >= 2, "2 or more"),
            ("the number of depths", self.depths.len(), rising(&self.depths), "2 or more, ascending"),
            ("the number of widths", self.widths.len(), rising(&self.widths), "2 or more, ascending"),
            ("the points of a map", self.map_points, odd(self.map_points), "odd, and 3 or more"),
            (
                "the points of the picture",
                self.picture_points,
                odd(self.picture_points),
                "odd, and 3 or more",
            ),
        ];
        let larger = self.larger.iter().flat_map(|larger| {
            let Larger { side, trainings, samples, draws, .. } = *larger;
            let once = self.larger.iter().filter(|other| other.side == side).count() == 1;
            [
                ("the side of larger images", side, side > 8 && side.is_multiple_of(8), "16, 24, 32, …"),
                ("the side of larger images", side, once, "another in each entry"),
                ("the trainings on larger images", trainings, trainings >= 2, "2 or more"),
                ("the draws on larger images", draws, draws >= 2, "2 or more"),
                ("the number of larger images", samples, (16..=1437).contains(&samples), "16 to 1437"),
            ]
        });
        match checks.into_iter().chain(larger).find(|(_, _, holds, _)| !holds) {
            Some((setting, value, _, needs)) => Err(Error::Setting { setting, value, needs }),
            None => Ok(()),
        }
    }

    /// The first field in which another setting differs: its name, and both values.
    pub(crate) fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let fields = |setting: &Self| match serde_json::to_value(setting) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let theirs = fields(other);
        fields(self).into_iter().find_map(|(name, ours)| {
            let found = theirs.get(&name)?;
            (*found != ours).then(|| (name.replace('_', " "), ours.to_string(), found.to_string()))
        })
    }

    /// The training images of this side on which landscapes are measured.
    pub(crate) fn samples_of(&self, side: usize) -> usize {
        let larger = self.larger.iter().find(|larger| larger.side == side);
        larger.map_or(self.samples, |larger| larger.samples)
    }

    /// The depth of which a large picture is drawn: the one before the deepest.
    pub fn picture_depth(&self) -> usize {
        self.depths[self.depths.len().saturating_sub(2)]
    }

    /// The deepest of C3.
    pub fn deepest(&self) -> usize {
        self.depths[self.depths.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_that_are_offered_are_in_their_ranges_and_others_are_named() {
        for setting in [Setting::quick(), Setting::full(), Setting::tiny()] {
            setting.check().unwrap();
        }
        let error = Setting { plane_points: 10, ..Setting::quick() }.check().unwrap_err();
        assert_eq!(error.to_string(), "the points of a plane is 10, which must be odd, and 3 or more");
        let (quick, other) = (Setting::quick(), Setting { epochs: 7, ..Setting::quick() });
        assert_eq!(quick.difference(&other), Some(("epochs".into(), quick.epochs.to_string(), "7".into())));
        assert_eq!(quick.difference(&quick.clone()), None);
    }
}
