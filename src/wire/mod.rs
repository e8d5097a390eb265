//! The machine form of small values: words and `key=value` fields on one line of text.
//!
//! The heads of journals and the metadata of safetensors files hold sources of directions, normalisations and settings
//! in this form, and the hash of a layout is taken of it. With feature `serde` the same names are the keys and values
//! of the serialised form. `Display` and `Debug` are for people: nothing is parsed back from them, or hashed.

#[cfg(feature = "serde")]
pub(crate) mod forms;

/// The version of these forms. Journals, JSON documents, and files of directions carry it, and others are refused.
pub(crate) const VERSION: u64 = 2;

/// The values of the fields of a line, which must have these keys in this order and nothing else.
pub(crate) fn fields<'l, const N: usize>(line: &'l str, keys: [&str; N]) -> Option<[&'l str; N]> {
    let mut words = line.split(' ');
    let mut values = [""; N];
    for (value, key) in values.iter_mut().zip(keys) {
        *value = words.next()?.strip_prefix(key)?.strip_prefix('=')?;
    }
    words.next().is_none().then_some(values)
}

/// The one of all values of a type that has this name.
pub(crate) fn named<T: Copy>(all: &[T], name_of: impl Fn(T) -> &'static str, name: &str) -> Option<T> {
    all.iter().copied().find(|&value| name_of(value) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_keys_in_order_and_nothing_else() {
        assert_eq!(fields("a=1 b=x=y", ["a", "b"]), Some(["1", "x=y"]));
        assert_eq!(fields("a= b=", ["a", "b"]), Some(["", ""]));
        for line in ["", "a=1", "b=1 a=1", "a=1  b=2", "a=1 b=2 ", "a=1 b=2 c=3", " a=1 b=2", "aa=1 b=2"] {
            assert_eq!(fields(line, ["a", "b"]), None, "{line:?}");
        }
    }
}
