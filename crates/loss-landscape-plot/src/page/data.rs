//! The data of a page as JSON, with arrays of numbers as base64.

use std::fmt::Write;

use ndarray::Array2;

use super::encode::{push_floats, push_text};
use super::landscape::{PageChannel, PageDraw, PageLandscape, PageShape, PageTrajectory};
use crate::ColorMap;

/// About the bytes that [`push`] appends.
pub(super) fn capacity(landscapes: &[PageLandscape]) -> usize {
    let floats = |l: &PageLandscape| {
        let values: usize = l.channels.iter().flat_map(|channel| &channel.grids).map(Array2::len).sum();
        let points: usize = l.trajectories.iter().map(|t| t.x.len() + t.y.len()).sum();
        let marks: usize = l.shapes.iter().map(|s| 5 * s.minima.len() + 3 * s.saddles.len()).sum();
        values + points + marks + l.x.len() + l.y.len()
    };
    landscapes.iter().map(|l| 32 * floats(l) / 3 + 512 * l.draws.len() + 2048).sum()
}

/// Appends the data of all landscapes: `{"colors": {name: hex}, "landscapes": [...]}`.
pub(super) fn push(out: &mut String, landscapes: &[PageLandscape]) {
    let maps = [("viridis", ColorMap::Viridis), ("cividis", ColorMap::Cividis)];
    out.push('{');
    key(out, "colors", '{');
    list(out, maps, |out, (name, map)| {
        text(out, name, &color_table(map));
    });
    out.push_str("},");
    key(out, "landscapes", '[');
    list(out, landscapes, landscape);
    out.push_str("]}");
}

fn landscape(out: &mut String, landscape: &PageLandscape) {
    let PageLandscape { name, x, y, x_label, y_label, channels, draws, trajectories, shapes, provenance } =
        landscape;
    out.push('{');
    for (name, value) in [("name", name), ("xLabel", x_label), ("yLabel", y_label)] {
        text(out, name, value);
        out.push(',');
    }
    floats(out, "x", x.iter().copied());
    out.push(',');
    floats(out, "y", y.iter().copied());
    out.push(',');
    key(out, "channels", '[');
    list(out, channels, |out, PageChannel { name, grids }| {
        out.push('{');
        text(out, "name", name);
        out.push(',');
        // Draws one after the other.
        floats(out, "values", grids.iter().flatten().copied());
        out.push('}');
    });
    out.push_str("],");
    key(out, "draws", '[');
    list(out, draws, |out, PageDraw { label, provenance }| {
        out.push('{');
        text(out, "label", label);
        out.push(',');
        key(out, "provenance", '[');
        list(out, provenance, pair);
        out.push_str("]}");
    });
    out.push_str("],");
    key(out, "trajectories", '[');
    list(out, trajectories, |out, PageTrajectory { name, x, y }| {
        out.push('{');
        text(out, "name", name);
        out.push(',');
        floats(out, "x", x.iter().copied());
        out.push(',');
        floats(out, "y", y.iter().copied());
        out.push('}');
    });
    out.push_str("],");
    key(out, "shapes", '[');
    list(out, shapes, shape);
    out.push_str("],");
    key(out, "provenance", '[');
    list(out, provenance, pair);
    out.push_str("]}\n");
}

fn pair(out: &mut String, (name, value): &(String, String)) {
    out.push('[');
    push_text(out, name);
    out.push(',');
    push_text(out, value);
    out.push(']');
}

fn shape(out: &mut String, shape: &PageShape) {
    let PageShape { channel, draw, minima, saddles, hills, .. } = shape;
    out.push('{');
    text(out, "channel", channel);
    out.push(',');
    key(out, "minima", '{');
    for (k, name) in ["i", "j", "persistence", "share", "certain"].into_iter().enumerate() {
        if k > 0 {
            out.push(',');
        }
        floats(out, name, minima.iter().map(|minimum| minimum[k]));
    }
    out.push_str("},");
    key(out, "saddles", '{');
    for (k, name) in ["i", "j", "ends"].into_iter().enumerate() {
        if k > 0 {
            out.push(',');
        }
        floats(out, name, saddles.iter().map(|saddle| saddle[k]));
    }
    let _ = write!(out, "}},\"hills\":{hills},\"draw\":{draw}}}");
}

/// 256 colours of six hexadecimal digits each, from low to high.
fn color_table(map: ColorMap) -> String {
    (0..=255_u8).flat_map(|k| map.at(f64::from(k) / 255.0).hex()[1..].chars().collect::<Vec<_>>()).collect()
}

fn key(out: &mut String, name: &str, open: char) {
    push_text(out, name);
    out.push(':');
    out.push(open);
}

fn text(out: &mut String, name: &str, value: &str) {
    push_text(out, name);
    out.push(':');
    push_text(out, value);
}

fn floats(out: &mut String, name: &str, values: impl Iterator<Item = f64>) {
    key(out, name, '"');
    push_floats(out, values);
    out.push('"');
}

/// Appends items with commas between them.
fn list<T>(out: &mut String, items: impl IntoIterator<Item = T>, push: impl Fn(&mut String, T)) {
    for (k, item) in items.into_iter().enumerate() {
        if k > 0 {
            out.push(',');
        }
        push(out, item);
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde_json::Value;

    use super::*;

    fn decode(value: &Value) -> Vec<u64> {
        let bytes = BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap();
        bytes.chunks(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect()
    }

    fn bits<'a>(values: impl IntoIterator<Item = &'a f64>) -> Vec<u64> {
        values.into_iter().map(|v| v.to_bits()).collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX];
        let (x, y) = ([-1.0, 0.1, 7.0], [0.0, 1e-300]);
        let loss = Array2::from_shape_fn((3, 2), |(i, j)| special[2 * i + j]);
        // Not in standard layout: what counts is the index, not the memory.
        let transposed = Array2::from_shape_fn((2, 3), |(j, i)| (10 * i + j) as f64).reversed_axes();
        let mut out = String::new();
        let given = PageLandscape::new("a \"<b>\"", &x, &y)
            .x_label("first")
            .channel("loss", loss.view())
            .channel("other", transposed.view())
            .trajectory("SGD", &[0.5], &[f64::MIN_POSITIVE])
            .provenance([("seed", "42")]);
        push(&mut out, &[given.clone(), given]);
        let read: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(read["landscapes"].as_array().unwrap().len(), 2);
        let read_one = &read["landscapes"][1];
        assert_eq!(read_one["name"], "a \"<b>\"");
        assert_eq!((&read_one["xLabel"], &read_one["yLabel"]), (&"first".into(), &"β".into()));
        assert_eq!(decode(&read_one["x"]), bits(&x));
        assert_eq!(decode(&read_one["y"]), bits(&y));
        assert_eq!(read_one["channels"][0]["name"], "loss");
        assert_eq!(decode(&read_one["channels"][0]["values"]), bits(&special));
        assert_eq!(decode(&read_one["channels"][1]["values"]), bits(&[0.0, 1.0, 10.0, 11.0, 20.0, 21.0]));
        let trajectory = &read_one["trajectories"][0];
        assert_eq!(decode(&trajectory["y"]), [f64::MIN_POSITIVE.to_bits()]);
        assert_eq!(read_one["shapes"], serde_json::json!([]));
        assert_eq!(read_one["provenance"], serde_json::json!([["seed", "42"]]));
        assert_eq!(read_one["draws"], serde_json::json!([]));
        let colors = read["colors"]["viridis"].as_str().unwrap();
        assert_eq!((colors.len(), &colors[..6]), (6 * 256, "440154"));
    }

    #[test]
    fn draws_are_written_one_after_the_other() {
        let grids: Vec<Array2<f64>> =
            (0..3).map(|k| Array2::from_shape_fn((2, 2), |(i, j)| (100 * k + 10 * i + j) as f64)).collect();
        let mut landscape = PageLandscape::new("a", &[0.0, 1.0], &[0.0, 1.0]);
        landscape.channels.push(PageChannel { name: "loss".to_owned(), grids: grids.clone() });
        let provenance = vec![("seed".to_owned(), "<7>".to_owned())];
        landscape.draws = vec![PageDraw { label: "\"one\"".to_owned(), provenance }; 3];
        let mut out = String::new();
        push(&mut out, &[landscape.channel("median", grids[1].view())]);
        let read: Value = serde_json::from_str(&out).unwrap();
        let [loss, median] = [0, 1].map(|k| decode(&read["landscapes"][0]["channels"][k]["values"]));
        assert_eq!(loss, bits(grids.iter().flatten()));
        assert_eq!(median, bits(&grids[1]));
        let draw = serde_json::json!({ "label": "\"one\"", "provenance": [["seed", "<7>"]] });
        assert_eq!(read["landscapes"][0]["draws"], serde_json::json!([draw, draw, draw]));
    }
}
