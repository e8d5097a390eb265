//! From numbers to words, by stated rules.

use serde::Serialize;

use crate::Statistic;

/// The side of a number on which a claim expects a statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

/// What a claim predicts of one statistic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// In words.
    pub text: String,
    /// The statistic, if there are numbers enough.
    pub statistic: Option<Statistic>,
    /// Its effect size, where it has one.
    pub effect: Option<Statistic>,
    /// Where the claim expects it.
    pub side: Side,
    /// Relative to this.
    pub null: f64,
}

/// How a prediction fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole interval is on the expected side.
    Supported,
    /// The estimate is on the expected side, and the interval reaches over.
    Leaning,
    /// The estimate is not on the expected side, and the interval reaches over.
    NotSeen,
    /// The whole interval is on the other side.
    Against,
    /// Too few numbers.
    Unknown,
}

/// How a claim fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All predictions are supported.
    Holds,
    /// More than half point the expected way, one at least is supported, and more are supported than are against.
    HoldsWeakly,
    /// None of the others.
    NotSeen,
    /// More than half are against.
    Opposite,
}

/// The rule, for the report.
pub const RULE: &str = "A prediction is *supported* if its whole 95 % interval lies on the side that the claim \
    expects, *leaning* if the estimate does and the interval reaches over, *not seen* if the estimate does not, and \
    *against* if the whole interval lies on the other side. A claim *holds* if all its predictions are supported; it \
    shows *the opposite* if more than half are against; it *holds weakly* if more than half are supported or leaning, \
    one at least is supported, and more are supported than are against; else it is *not seen here*. Intervals are \
    not corrected for their number.";

impl Prediction {
    /// How it fared.
    pub fn outcome(&self) -> Outcome {
        let Some(found) = &self.statistic else { return Outcome::Unknown };
        let sign = match self.side {
            Side::Above => 1,
            Side::Below => -1,
        };
        let gap = f64::from(sign) * (found.estimate - self.null);
        match found.side(self.null) * sign {
            1 => Outcome::Supported,
            -1 => Outcome::Against,
            _ if gap > 0.0 => Outcome::Leaning,
            _ if gap.is_nan() => Outcome::Unknown,
            _ => Outcome::NotSeen,
        }
    }
}

impl Outcome {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Leaning => "leaning",
            Self::NotSeen => "not seen",
            Self::Against => "against",
            Self::Unknown => "too few numbers",
        }
    }
}

impl Verdict {
    /// By [`RULE`]. A prediction of which too little is known counts as not seen.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let count = |which: Outcome| outcomes.iter().filter(|outcome| **outcome == which).count();
        let all = outcomes.len();
        let (supported, against) = (count(Outcome::Supported), count(Outcome::Against));
        if all > 0 && supported == all {
            Self::Holds
        } else if 2 * against > all {
            Self::Opposite
        } else if 2 * (supported + count(Outcome::Leaning)) > all && supported > against {
            Self::HoldsWeakly
        } else {
            Self::NotSeen
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HoldsWeakly => "holds weakly",
            Self::NotSeen => "not seen here",
            Self::Opposite => "the opposite",
        }
    }
}

/// The sentence of a verdict: how many predictions had which outcome.
pub fn sentence(predictions: &[Prediction]) -> String {
    let outcomes: Vec<Outcome> = predictions.iter().map(Prediction::outcome).collect();
    let verdict = Verdict::of(&outcomes).words();
    let kinds = [Outcome::Supported, Outcome::Leaning, Outcome::NotSeen, Outcome::Against, Outcome::Unknown];
    let parts = kinds.into_iter().filter_map(|kind| {
        let count = outcomes.iter().filter(|outcome| **outcome == kind).count();
        (count > 0).then(|| format!("{count} {}", kind.words()))
    });
    let plural = if predictions.len() == 1 { "prediction" } else { "predictions" };
    format!("{verdict}: of {} {plural}, {}", predictions.len(), parts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Outcome::*, *};

    #[test]
    fn verdicts_follow_the_rule() {
        assert_eq!(Verdict::of(&[Supported, Supported]), Verdict::Holds);
        assert_eq!(Verdict::of(&[Supported, Unknown]), Verdict::NotSeen);
        assert_eq!(Verdict::of(&[Supported, Supported, Unknown]), Verdict::HoldsWeakly);
        assert_eq!(Verdict::of(&[Supported, Leaning, NotSeen]), Verdict::HoldsWeakly);
        assert_eq!(Verdict::of(&[Leaning, Leaning]), Verdict::NotSeen);
        assert_eq!(Verdict::of(&[Supported, Against, Against]), Verdict::Opposite);
        assert_eq!(Verdict::of(&[Supported, Against]), Verdict::NotSeen);
        assert_eq!(Verdict::of(&[Supported, NotSeen]), Verdict::NotSeen);
        assert_eq!(Verdict::of(&[Unknown]), Verdict::NotSeen);
        assert_eq!(Verdict::of(&[]), Verdict::NotSeen);
    }
}
