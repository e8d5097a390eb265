//! Serialised forms of values for which serde, or its formats, have none that is exact: use as
//! `#[serde(with = "crate::wire::forms")]`.
//!
//! | value | form |
//! | --- | --- |
//! | `f64` | a number; where it is not finite, in formats that people read, `"NaN"`, `"Infinity"` or `"-Infinity"` |
//! | `u64`, a hash | 16 hexadecimal digits |
//! | `Duration` | seconds as `f64`: exact to the nanosecond below a month |
//! | an error | its text |
//!
//! Options, vectors, pairs and triples of these are those of their forms. All NaN are read back as one.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

/// A value that is serialised as another type.
pub(crate) trait Formed: Sized {
    /// That type.
    type Form: Serialize + for<'de> Deserialize<'de>;

    fn to_form(&self) -> Self::Form;

    /// The value of a form, or what is wrong with it.
    fn from_form(form: Self::Form) -> Result<Self, &'static str>;
}

pub(crate) fn serialize<T: Formed, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.to_form().serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Formed, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::from_form(T::Form::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// A number, or the text of one that is not finite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Float(pub(crate) f64);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value) = *self;
        if value.is_finite() || !serializer.is_human_readable() {
            serializer.serialize_f64(value)
        } else if value.is_nan() {
            serializer.serialize_str("NaN")
        } else {
            serializer.serialize_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
        }
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(FloatVisitor)
        } else {
            f64::deserialize(deserializer).map(Self)
        }
    }
}

struct FloatVisitor;

impl Visitor<'_> for FloatVisitor {
    type Value = Float;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Float, E> {
        Ok(Float(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Float, E> {
        Ok(Float(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Float, E> {
        Ok(Float(value as f64))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Float, E> {
        match text {
            "NaN" => Ok(Float(f64::NAN)),
            "Infinity" => Ok(Float(f64::INFINITY)),
            "-Infinity" => Ok(Float(f64::NEG_INFINITY)),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}

impl Formed for f64 {
    type Form = Float;

    fn to_form(&self) -> Float {
        Float(*self)
    }

    fn from_form(Float(value): Float) -> Result<Self, &'static str> {
        Ok(value)
    }
}

impl Formed for u64 {
    type Form = String;

    fn to_form(&self) -> String {
        format!("{self:016x}")
    }

    fn from_form(text: String) -> Result<Self, &'static str> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = u64::from_str_radix(&text, 16).ok().filter(|_| digits);
        hash.ok_or("a hash has 16 hexadecimal digits")
    }
}

impl Formed for Duration {
    type Form = Float;

    fn to_form(&self) -> Float {
        Float(self.as_secs_f64())
    }

    fn from_form(Float(seconds): Float) -> Result<Self, &'static str> {
        Self::try_from_secs_f64(seconds).map_err(|_| "seconds are finite and not negative")
    }
}

impl Formed for Arc<dyn Error + Send + Sync> {
    type Form = String;

    fn to_form(&self) -> String {
        self.to_string()
    }

    fn from_form(text: String) -> Result<Self, &'static str> {
        Ok(Self::from(Box::<dyn Error + Send + Sync>::from(text)))
    }
}

impl<T: Formed> Formed for Option<T> {
    type Form = Option<T::Form>;

    fn to_form(&self) -> Self::Form {
        self.as_ref().map(T::to_form)
    }

    fn from_form(form: Self::Form) -> Result<Self, &'static str> {
        form.map(T::from_form).transpose()
    }
}

impl<T: Formed> Formed for Vec<T> {
    type Form = Vec<T::Form>;

    fn to_form(&self) -> Self::Form {
        self.iter().map(T::to_form).collect()
    }

    fn from_form(form: Self::Form) -> Result<Self, &'static str> {
        form.into_iter().map(T::from_form).collect()
    }
}

impl<T: Formed> Formed for [T; 2] {
    type Form = [T::Form; 2];

    fn to_form(&self) -> Self::Form {
        self.each_ref().map(T::to_form)
    }

    fn from_form(form: Self::Form) -> Result<Self, &'static str> {
        let [a, b] = form;
        Ok([T::from_form(a)?, T::from_form(b)?])
    }
}

impl<T: Formed> Formed for [T; 3] {
    type Form = [T::Form; 3];

    fn to_form(&self) -> Self::Form {
        self.each_ref().map(T::to_form)
    }

    fn from_form(form: Self::Form) -> Result<Self, &'static str> {
        let [a, b, c] = form;
        Ok([T::from_form(a)?, T::from_form(b)?, T::from_form(c)?])
    }
}
