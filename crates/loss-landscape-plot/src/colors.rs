//! Colour maps and colours of curves.

/// A colour map. [`Viridis`](Self::Viridis) and [`Cividis`](Self::Cividis) are perceptually uniform,
/// increase in lightness, and stay readable with colour-vision deficiency and in grey.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{ColorMap, Figure, HeatFigure};
/// use ndarray::array;
///
/// let values = array![[0.0, 1.0], [2.0, 3.0]];
/// let figure = HeatFigure::new(&[0.0, 1.0], &[0.0, 1.0], values.view()).color_map(ColorMap::Cividis);
/// assert!(figure.to_svg()?.contains("fill=\"#"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ColorMap {
    /// Dark violet over green to yellow.
    #[default]
    Viridis,
    /// Dark blue over grey to yellow; looks the same with and without red-green deficiency.
    Cividis,
    /// Blue over near-white to red, for values whose sign matters (`diverging` of the figures puts zero
    /// at the white); the two sides differ with every colour-vision deficiency, but not in grey.
    BlueRed,
}

/// Colours of curves, in order of increasing lightness where neighbours matter, so that the first
/// three differ in grey too (after Tol's high-contrast scheme).
pub(crate) const CURVES: [Rgb; 6] = [
    Rgb([0x00, 0x44, 0x88]),
    Rgb([0xc4, 0x4e, 0x5c]),
    Rgb([0xdd, 0xaa, 0x33]),
    Rgb([0x22, 0x22, 0x22]),
    Rgb([0x2a, 0x9d, 0x8f]),
    Rgb([0x99, 0x70, 0xab]),
];

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rgb(pub [u8; 3]);

impl ColorMap {
    /// Colour at `t`, clamped to 0 (low) to 1 (high).
    pub(crate) fn at(self, t: f64) -> Rgb {
        let t = t.clamp(0.0, 1.0);
        let color = match self {
            Self::Viridis => colorous::VIRIDIS.eval_continuous(t),
            Self::Cividis => colorous::CIVIDIS.eval_continuous(t),
            Self::BlueRed => colorous::RED_BLUE.eval_continuous(1.0 - t),
        };
        Rgb([color.r, color.g, color.b])
    }
}

impl Rgb {
    pub(crate) fn hex(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    /// Lighter or darker by a factor, then brought towards white by the share `more`.
    pub(crate) fn lit(self, factor: f64, more: f64) -> Self {
        Self(self.0.map(|c| {
            let c = (f64::from(c) * factor).clamp(0.0, 255.0);
            (c + more * (255.0 - c)).round() as u8
        }))
    }

    /// Halfway to `other`.
    pub(crate) fn mix(self, other: Self) -> Self {
        let mut mixed = self.0;
        for (m, o) in mixed.iter_mut().zip(other.0) {
            *m = m.midpoint(o);
        }
        Self(mixed)
    }

    /// Whether white ink reads better on this colour than black ink.
    pub(crate) fn is_dark(self) -> bool {
        // Relative luminance; at 0.18 white and black have equal WCAG contrast.
        let linear = self.0.map(|c| (f64::from(c) / 255.0).powf(2.2));
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.18
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_run_from_dark_to_light_and_clamp() {
        for map in [ColorMap::Viridis, ColorMap::Cividis] {
            assert!(map.at(0.0).is_dark());
            assert!(!map.at(1.0).is_dark());
            assert_eq!(map.at(-3.0), map.at(0.0));
            assert_eq!(map.at(7.0), map.at(1.0));
        }
        assert_eq!(ColorMap::Viridis.at(0.0).hex(), "#440154");
    }

    #[test]
    fn the_diverging_map_is_nearly_white_at_zero_and_blue_below() {
        let middle = ColorMap::BlueRed.at(0.5).0;
        assert!(
            middle.iter().all(|&c| c > 230)
                && middle.iter().max().unwrap() - middle.iter().min().unwrap() < 12
        );
        for t in [0.0, 0.1, 0.25, 0.4] {
            let ([r, _, b], [high_r, _, high_b]) =
                (ColorMap::BlueRed.at(t).0, ColorMap::BlueRed.at(1.0 - t).0);
            assert!(b > r && high_r > high_b, "{t}");
        }
    }

    #[test]
    fn light_keeps_within_white_and_black() {
        let color = Rgb([200, 100, 0]);
        assert_eq!(color.lit(0.5, 0.0), Rgb([100, 50, 0]));
        assert_eq!(color.lit(2.0, 0.0), Rgb([255, 200, 0]));
        assert_eq!(color.lit(-1.0, 1.0), Rgb([255; 3]));
    }

    /// Linear light as the eye without one kind of cone has it (Viénot, Brettel and Mollon 1999): what red and
    /// green make alike, and blue.
    fn dichromat(color: Rgb, red: f64) -> [f64; 2] {
        let [r, g, b] = color.0.map(|c| (f64::from(c) / 255.0).powf(2.2));
        [red * r + (1.0 - red) * g, b]
    }

    #[test]
    fn the_two_sides_of_the_diverging_map_differ_without_red_or_green_cones() {
        // Shares of red for protanopes and deuteranopes.
        for red in [0.11238, 0.29275] {
            for t in [0.0, 0.1, 0.2, 0.3, 0.4] {
                let (low, high) = (ColorMap::BlueRed.at(t), ColorMap::BlueRed.at(1.0 - t));
                // Yellow against blue, as a share of all light: the sign tells the side.
                let hue = |color| {
                    let [yellow, blue] = dichromat(color, red);
                    (blue - yellow) / (blue + yellow)
                };
                assert!(hue(low) > 0.02 && hue(high) < -0.02, "{red} {t}: {} {}", hue(low), hue(high));
            }
        }
    }
}
