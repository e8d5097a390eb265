//! Numbers as they are printed beside ticks and contours.

use crate::svg::Label;

/// Labels of contour levels: aligned if they are equal steps, each for itself otherwise.
pub(crate) fn levels(values: &[f64], log: bool) -> Vec<Label> {
    let gaps = gaps(values);
    let (low, high) = gaps.iter().fold((f64::INFINITY, 0.0), |(l, h): (f64, f64), &g| (l.min(g), h.max(g)));
    if log || high > 1.001 * low { spread(values) } else { aligned(values) }
}

/// Labels with one common number of decimals, for ticks at equal steps.
pub(crate) fn aligned(values: &[f64]) -> Vec<Label> {
    let decimals = precision(values, 0..=12, |v, p| format!("{v:.p$}"));
    let fixed = decimals.map(|decimals| -> Vec<Label> {
        // Adding zero turns -0 into 0.
        let show = |v: &f64| plain(&format!("{:.decimals$}", v + 0.0));
        values.iter().map(show).collect()
    });
    let powers = scientific(values);
    let length = |labels: &[Label]| {
        let of = |text: &str| text.chars().count();
        let lengths = labels.iter().map(|l| of(&l.base) + l.exponent.as_deref().map_or(0, of));
        lengths.max().unwrap_or(0)
    };
    match fixed {
        Some(fixed) if length(&fixed) <= 6.max(length(&powers)) => fixed,
        _ => powers,
    }
}

/// Labels each as short as it can be, for values spread over orders of magnitude: 0.01, 1, 10⁴.
pub(crate) fn spread(values: &[f64]) -> Vec<Label> {
    let digits = mantissa_digits(values);
    let shown = |v: f64| {
        let rounded: f64 = format!("{v:.digits$e}").parse().unwrap_or(v);
        format!("{}", rounded + 0.0)
    };
    let powers = scientific(values);
    values
        .iter()
        .zip(powers)
        .map(
            |(&v, power)| {
                if v == 0.0 || (1e-3..9999.5).contains(&v.abs()) { plain(&shown(v)) } else { power }
            },
        )
        .collect()
}

/// A number in running text, to three digits.
pub(crate) fn brief(value: f64) -> String {
    let text = format!("{value:.2e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match text.parse::<f64>() {
        Ok(rounded) if value == 0.0 || (1e-3..1e4).contains(&rounded.abs()) => {
            true_minus(&format!("{rounded}"))
        }
        _ => true_minus(&format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))),
    }
}

/// Labels m×10ᵉ with a common number of mantissa decimals.
fn scientific(values: &[f64]) -> Vec<Label> {
    let digits = mantissa_digits(values);
    values
        .iter()
        .map(|&v| {
            if v == 0.0 {
                return plain("0");
            }
            let text = format!("{v:.digits$e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let base = match mantissa {
                "1" => "10".to_owned(),
                "-1" => "-10".to_owned(),
                mantissa => format!("{mantissa}×10"),
            };
            Label { base: true_minus(&base), exponent: Some(true_minus(exponent)) }
        })
        .collect()
}

/// Decimals of the mantissa that tell every value from its neighbours.
fn mantissa_digits(values: &[f64]) -> usize {
    precision(values, 0..=16, |v, p| format!("{v:.p$e}")).unwrap_or(16)
}

/// Smallest precision at which `format` shows every value to a thousandth of the distance to its
/// nearest neighbour.
fn precision(
    values: &[f64],
    mut precisions: std::ops::RangeInclusive<usize>,
    format: impl Fn(f64, usize) -> String,
) -> Option<usize> {
    let gaps = gaps(values);
    precisions.find(|&p| {
        values.iter().zip(&gaps).all(|(&v, gap)| {
            let shown = format(v, p).parse::<f64>();
            shown.is_ok_and(|shown| (shown - v).abs() <= 1e-3 * gap)
        })
    })
}

/// Distance of each value to the nearer of its neighbours; its own size if it has none.
fn gaps(values: &[f64]) -> Vec<f64> {
    let step = |k: usize| values.get(k + 1).map_or(f64::INFINITY, |next| (next - values[k]).abs());
    let gap = |k: usize| {
        let before = if k > 0 { step(k - 1) } else { f64::INFINITY };
        let gap = before.min(step(k));
        if gap.is_finite() { gap } else { values[k].abs() }
    };
    (0..values.len()).map(gap).collect()
}

fn plain(text: &str) -> Label {
    Label::from(true_minus(text).as_str())
}

fn true_minus(text: &str) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(labels: &[Label]) -> Vec<String> {
        labels
            .iter()
            .map(|l| match &l.exponent {
                Some(e) => format!("{}^{e}", l.base),
                None => l.base.clone(),
            })
            .collect()
    }

    #[test]
    fn aligned_labels_share_decimals_and_use_a_true_minus() {
        assert_eq!(shown(&aligned(&[-1.0, -0.5, 0.0, 0.5])), ["−1.0", "−0.5", "0.0", "0.5"]);
        assert_eq!(shown(&aligned(&[2.3, 2.305, 3.0 * 0.77])), ["2.300", "2.305", "2.310"]);
        assert_eq!(shown(&aligned(&[-0.0, 20.0])), ["0", "20"]);
    }

    #[test]
    fn long_aligned_labels_turn_to_powers() {
        assert_eq!(shown(&aligned(&[0.0, 2e7, 4e7])), ["0", "2×10^7", "4×10^7"]);
        assert_eq!(shown(&aligned(&[-1e-9, 0.0, 1e-9])), ["−10^−9", "0", "10^−9"]);
        assert_eq!(shown(&aligned(&[1e-300, 1e300])).len(), 2);
    }

    #[test]
    fn spread_labels_are_each_short() {
        assert_eq!(
            shown(&spread(&[1e-5, 0.02, 0.1, 1.0, 10.0, 5000.0, 1e4, 2e5])),
            ["10^−5", "0.02", "0.1", "1", "10", "5000", "10^4", "2×10^5"]
        );
    }

    #[test]
    fn numbers_in_text_have_three_digits() {
        let shown = [0.5, 1.0 / 3.0, -1234.5, 12_345.6, 2e-7, f64::MAX].map(brief);
        assert_eq!(shown, ["0.5", "0.333", "−1230", "1.23e4", "2e−7", "1.8e308"]);
    }

    #[test]
    fn close_and_far_values_stay_distinct() {
        assert_eq!(shown(&aligned(&[3e5, 3e5 + 5e-6])), ["300000.000000", "300000.000005"]);
        assert_eq!(shown(&spread(&[1e-250, 1.0, 1e250])), ["10^−250", "1", "10^250"]);
        assert_eq!(shown(&levels(&[0.1, 0.123_456, 0.5], false)), ["0.1", "0.12346", "0.5"]);
        assert_eq!(shown(&levels(&[0.0, 0.5, 1.0], false)), ["0.0", "0.5", "1.0"]);
    }

    #[test]
    fn odd_values_are_labelled_without_panic() {
        for list in [vec![], vec![0.0], vec![f64::MAX], vec![f64::MIN, f64::MAX], vec![5e-324, 1e-323]] {
            assert_eq!(aligned(&list).len(), list.len());
            assert_eq!(spread(&list).len(), list.len());
        }
    }
}
