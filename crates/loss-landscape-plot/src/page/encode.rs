//! Numbers and texts of others, safe inside an HTML document.

/// Appends values as base64 (with `=` at the end) of their little-endian bytes.
pub(super) fn push_floats(out: &mut String, values: impl Iterator<Item = f64>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.reserve((8 * values.size_hint().0).div_ceil(3) * 4);
    let mut group = [0_u8; 3];
    let mut filled = 0;
    let mut push = |group: [u8; 3], bytes: usize| {
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for digit in 0..4 {
            // n bytes fill n + 1 digits.
            let sextet = (bits >> (18 - 6 * digit)) as usize & 63;
            out.push(if digit <= bytes { char::from(DIGITS[sextet]) } else { '=' });
        }
    };
    for byte in values.flat_map(f64::to_le_bytes) {
        group[filled] = byte;
        filled += 1;
        if filled == 3 {
            push(group, 3);
            filled = 0;
        }
    }
    if filled > 0 {
        group[filled..].fill(0);
        push(group, filled);
    }
}

/// Appends a JSON string that is harmless inside a `script` element: without `<`, nothing in it can end
/// the element or open a comment.
pub(super) fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // The separators are line ends in old scripts.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => push_escape(out, c),
            c if c.is_control() => push_escape(out, c),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A text as the content of an HTML element or of a quoted attribute.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // An HTML document may not hold the others.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn push_escape(out: &mut String, c: char) {
    let hex = b"0123456789abcdef";
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from(hex[(c as usize >> shift) & 15]));
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use proptest::prelude::*;

    use super::*;

    fn floats(values: &[f64]) -> String {
        let mut out = String::new();
        push_floats(&mut out, values.iter().copied());
        out
    }

    proptest! {
        #[test]
        fn every_bit_of_every_number_survives(bits in prop::collection::vec(any::<u64>(), 0..20)) {
            let values: Vec<f64> = bits.iter().copied().map(f64::from_bits).collect();
            let bytes = BASE64_STANDARD.decode(floats(&values)).unwrap();
            let back: Vec<u64> = bytes.chunks(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect();
            prop_assert_eq!(back, bits);
        }

        #[test]
        fn every_text_survives_as_json_without_markup(text in any::<String>()) {
            let mut out = String::new();
            push_text(&mut out, &text);
            let markup = ['<', '>', '&', '\n', '\u{2028}', '\u{2029}'];
            prop_assert!(!out.contains(markup));
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }

        #[test]
        fn no_text_leaves_its_element(text in any::<String>()) {
            let xml = format!("<p title=\"{0}\">{0}</p>", html(&text));
            let markup = ['<', '>', '"', '\''];
            prop_assert!(!html(&text).contains(markup));
            let shown = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
            let wanted: String = text.chars().map(shown).collect();
            if !text.contains(['\u{fffe}', '\u{ffff}']) {
                let document = roxmltree::Document::parse(&xml).unwrap();
                prop_assert_eq!(document.root_element().text().unwrap_or(""), wanted);
            }
        }
    }

    #[test]
    fn special_numbers_have_their_known_text() {
        assert_eq!(floats(&[]), "");
        assert_eq!(floats(&[1.0]), "AAAAAAAA8D8=");
        assert_eq!(floats(&[f64::INFINITY, f64::NEG_INFINITY, -0.0]), "AAAAAAAA8H8AAAAAAADw/wAAAAAAAACA");
    }

    #[test]
    fn hostile_names_cannot_end_a_script() {
        let mut out = String::new();
        push_text(&mut out, "</script><!--\u{0}\"\\");
        assert_eq!(out, r#""\u003c/script\u003e\u003c!--\u0000\"\\""#);
    }
}
