//! JSON as a tree: values of one text, small in memory, and exact for f64.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{Error, Result, io::table::wrong};

/// A JSON value. Numbers that are not finite, which JSON does not have, are the texts `"NaN"`, `"Infinity"`
/// and `"-Infinity"`.
///
/// A tree takes at most 40 times its text.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::io) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A list of nothing but numbers; empty lists too.
    Numbers(Vec<f64>),
    List(Vec<Json>),
    /// In order.
    Object(Vec<(String, Json)>),
}

/// A place in a tree, with its name for errors.
#[derive(Clone)]
pub(in crate::io) struct Node<'a> {
    pub(in crate::io) json: &'a Json,
    place: String,
    format: &'static str,
}

impl Json {
    /// Parses a text.
    pub(in crate::io) fn parse(text: &[u8], format: &'static str) -> Result<Self> {
        serde_json::from_slice(text)
            .map_err(|error| wrong(format, "the text", "JSON", format!("otherwise: {error}")))
    }

    /// The root of a tree.
    pub(in crate::io) fn root(&self, format: &'static str) -> Node<'_> {
        Node { json: self, place: String::new(), format }
    }

    pub(in crate::io) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(in crate::io) fn texts<'t>(texts: impl IntoIterator<Item = &'t String>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub(in crate::io) fn count(count: usize) -> Self {
        Self::Number(count as f64)
    }

    pub(in crate::io) fn object<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// What kind of value it is, for errors.
    fn kind(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
            Self::Numbers(numbers) => format!("a list of {} numbers", numbers.len()),
            Self::List(list) => format!("a list of {}", list.len()),
            Self::Object(fields) => format!("an object of {}", fields.len()),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            },
            _ => None,
        }
    }
}

impl<'a> Node<'a> {
    /// An error at this place.
    #[allow(clippy::needless_pass_by_value, reason = "what callers have just made for it")]
    pub(in crate::io) fn wrong(&self, expected: impl ToString) -> Error {
        let place = if self.place.is_empty() { "the whole" } else { &self.place };
        wrong(self.format, place, expected, self.json.kind())
    }

    fn below(&self, json: &'a Json, name: &dyn fmt::Display) -> Self {
        let place = if self.place.is_empty() { name.to_string() } else { format!("{}.{name}", self.place) };
        Self { json, place, format: self.format }
    }

    /// A field of an object, if it has it.
    pub(in crate::io) fn find(&self, key: &str) -> Result<Option<Self>> {
        let Json::Object(fields) = self.json else { return Err(self.wrong("an object")) };
        Ok(fields.iter().find(|(name, _)| name == key).map(|(_, json)| self.below(json, &key)))
    }

    pub(in crate::io) fn get(&self, key: &str) -> Result<Self> {
        self.find(key)?.ok_or_else(|| self.wrong(format!("an object with `{key}`")))
    }

    /// None for null.
    pub(in crate::io) fn option(self) -> Option<Self> {
        (*self.json != Json::Null).then_some(self)
    }

    pub(in crate::io) fn text(&self) -> Result<&'a str> {
        let Json::Text(text) = self.json else { return Err(self.wrong("a text")) };
        Ok(text)
    }

    pub(in crate::io) fn parse<T: std::str::FromStr>(&self, expected: &str) -> Result<T> {
        self.text()?.parse().map_err(|_| self.wrong(expected))
    }

    pub(in crate::io) fn number(&self) -> Result<f64> {
        self.json.number().ok_or_else(|| self.wrong("a number"))
    }

    pub(in crate::io) fn count(&self) -> Result<usize> {
        match self.number()? {
            // Where f64 holds every integer.
            value if (0.0..9e15).contains(&value) && value.fract() == 0.0 => Ok(value as usize),
            _ => Err(self.wrong("a whole number")),
        }
    }

    pub(in crate::io) fn hash(&self) -> Result<u64> {
        let text = self.text()?;
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        hash.ok_or_else(|| self.wrong("16 hexadecimal digits"))
    }

    /// A list of true and false.
    pub(in crate::io) fn bools(&self) -> Result<Vec<bool>> {
        let bool = |json: &Json| if let Json::Bool(value) = json { Some(*value) } else { None };
        let bools = match self.json {
            Json::List(list) => list.iter().map(bool).collect(),
            _ => None,
        };
        bools.ok_or_else(|| self.wrong("a list of true and false"))
    }

    pub(in crate::io) fn numbers(&self) -> Result<&'a [f64]> {
        let Json::Numbers(numbers) = self.json else { return Err(self.wrong("a list of numbers")) };
        Ok(numbers)
    }

    /// The entries of a list that does not hold numbers.
    pub(in crate::io) fn list(&self) -> Result<impl Iterator<Item = Self> + '_> {
        let list = match self.json {
            Json::List(list) => list.as_slice(),
            Json::Numbers(numbers) if numbers.is_empty() => &[],
            _ => return Err(self.wrong("a list")),
        };
        Ok(list.iter().enumerate().map(|(i, json)| self.below(json, &i)))
    }

    /// A list of texts.
    pub(in crate::io) fn texts(&self) -> Result<Vec<String>> {
        if let Json::Numbers(numbers) = self.json {
            // Only these texts can have been taken for numbers.
            let text = |number: &f64| (!number.is_finite()).then(|| special(*number).to_owned());
            return numbers
                .iter()
                .map(text)
                .collect::<Option<_>>()
                .ok_or_else(|| self.wrong("a list of texts"));
        }
        self.list()?.map(|entry| entry.text().map(str::to_owned)).collect()
    }

    pub(in crate::io) fn fields(&self) -> Result<impl Iterator<Item = (&'a str, Self)> + '_> {
        let Json::Object(fields) = self.json else { return Err(self.wrong("an object")) };
        Ok(fields.iter().map(|(key, json)| (key.as_str(), self.below(json, key))))
    }
}

/// A number as JSON text: the shortest that reads back as the same f64.
pub(in crate::io) struct Number(pub(in crate::io) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_finite() { write!(f, "{:?}", self.0) } else { write!(f, "\"{}\"", special(self.0)) }
    }
}

fn special(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// A text with its quotation marks.
pub(in crate::io) struct Quoted<'a>(pub(in crate::io) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&serde_json::Value::from(self.0), f)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            // Counts without a point.
            Self::Number(value)
                if value.fract() == 0.0
                    && value.abs() < 9e15
                    && !(*value == 0.0 && value.is_sign_negative()) =>
            {
                write!(f, "{value}")
            }
            Self::Number(value) => write!(f, "{}", Number(*value)),
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Numbers(numbers) => list(f, numbers.iter().map(|&number| Number(number))),
            Self::List(entries) => list(f, entries),
            Self::Object(fields) => {
                f.write_str("{")?;
                for (i, (key, value)) in fields.iter().enumerate() {
                    write!(f, "{}{}: {value}", if i > 0 { ", " } else { "" }, Quoted(key))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Entries between brackets.
fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, entries: impl IntoIterator<Item = T>) -> fmt::Result {
    f.write_str("[")?;
    for (i, entry) in entries.into_iter().enumerate() {
        write!(f, "{}{entry}", if i > 0 { ", " } else { "" })?;
    }
    f.write_str("]")
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let (mut numbers, mut list) = (Vec::new(), Vec::new());
        while let Some(entry) = entries.next_element::<Json>()? {
            match entry.number() {
                Some(number) if list.is_empty() => numbers.push(number),
                _ => {
                    // It was no list of numbers after all.
                    list.extend(numbers.drain(..).map(back));
                    list.push(entry);
                }
            }
        }
        if list.is_empty() {
            numbers.shrink_to_fit();
            return Ok(Json::Numbers(numbers));
        }
        list.shrink_to_fit();
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = entries.next_entry::<String, Json>()? {
            fields.push(field);
        }
        fields.shrink_to_fit();
        Ok(Json::Object(fields))
    }
}

/// What a number of a list was before it was taken for one.
fn back(number: f64) -> Json {
    if number.is_finite() { Json::Number(number) } else { Json::text(special(number)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Json {
        Json::parse(text.as_bytes(), "JSON").unwrap()
    }

    fn tree() -> impl Strategy<Value = Json> {
        let finite =
            any::<u64>().prop_map(f64::from_bits).prop_filter("JSON has no other", |v| v.is_finite());
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            finite.clone().prop_map(Json::Number),
            ".{0,9}".prop_map(Json::Text),
            prop::collection::vec(finite, 0..5).prop_map(Json::Numbers),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                // With a text, or it might be a list of numbers.
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|list| Json::List([vec![Json::text("x")], list].concat())),
                prop::collection::vec((".{0,5}", inner), 0..4).prop_map(Json::Object),
            ]
        })
    }

    #[test]
    fn numbers_that_json_lacks_are_texts() {
        let json = parse(r#"[1, "NaN", -0.0, "-Infinity", 1e308, "Infinity"]"#);
        let numbers = json.root("JSON").numbers().unwrap().to_vec();
        assert!(numbers[1].is_nan() && numbers[2].to_bits() == (-0.0_f64).to_bits());
        assert_eq!((numbers[3], numbers[5]), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(json.to_string(), r#"[1.0, "NaN", -0.0, "-Infinity", 1e308, "Infinity"]"#);
        // And texts, where texts are asked for.
        assert_eq!(parse(r#"["NaN", "x"]"#).root("JSON").texts().unwrap(), ["NaN", "x"]);
        assert_eq!(parse(r#"["NaN"]"#).root("JSON").texts().unwrap(), ["NaN"]);
        assert!(parse(r#"["NaN", 1]"#).root("JSON").texts().is_err());
        assert!(parse("[]").root("JSON").texts().unwrap().is_empty());
    }

    #[test]
    fn errors_say_where_and_what() {
        let json = parse(r#"{"a": [{"b": 1.5}], "hash": "12"}"#);
        let root = json.root("JSON");
        let inner = root.get("a").unwrap().list().unwrap().next().unwrap().get("b").unwrap().count();
        assert_eq!(
            inner.unwrap_err().to_string(),
            "not a valid JSON file: a.0.b should be a whole number, not 1.5"
        );
        assert!(root.get("c").err().unwrap().to_string().contains("an object with `c`"));
        assert!(root.get("hash").unwrap().hash().is_err());
    }

    #[test]
    fn depth_is_limited() {
        let deep = "[".repeat(1_000_000);
        assert!(Json::parse(deep.as_bytes(), "JSON").is_err());
    }

    proptest! {
        #[test]
        fn trees_are_read_as_they_are_written(tree in tree()) {
            prop_assert_eq!(parse(&tree.to_string()), tree);
        }

        #[test]
        fn every_f64_survives(bits: u64) {
            let value = f64::from_bits(bits);
            let read = parse(&format!("[{}]", Number(value))).root("JSON").numbers().unwrap()[0];
            prop_assert!(read.to_bits() == bits || read.is_nan() && value.is_nan());
        }
    }
}
