//! The document: template, style, script and data put together.

use super::{data, encode::html, landscape::PageLandscape};

const TEMPLATE: &str = include_str!("../../viewer/src/template.html");
const STYLE: &str = include_str!("../../viewer/src/viewer.css");

/// A module of the viewer by its file's name, and its text.
macro_rules! modules {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../../viewer/src/", $name)))),*] };
}

/// The modules of the viewer, each of which imports from those before it.
const MODULES: &[(&str, &str)] = modules![
    "numbers.js",
    "ticks.js",
    "scale.js",
    "range.js",
    "axis.js",
    "colors.js",
    "field.js",
    "view.js",
    "camera.js",
    "pick.js",
    "mesh.js",
    "renderer.js",
    "canvas.js",
    "trajectory.js",
    "shape.js",
    "bands.js",
    "isolines.js",
    "labels.js",
    "frame.js",
    "map.js",
    "scene.js",
    "landscape.js",
    "notes.js",
    "element.js",
    "draws.js",
    "panel.js",
    "controls.js",
    "page.js",
    "main.js",
];

/// The whole document, of what was checked.
pub(super) fn write(title: &str, caption: &str, landscapes: &[PageLandscape]) -> String {
    let mut out = String::with_capacity(130_000 + data::capacity(landscapes));
    // The template is walked once, so that a title that looks like a place in it is only a title.
    let mut rest = TEMPLATE;
    while let Some((before, (place, after))) =
        rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
    {
        out.push_str(before);
        match place {
            "title" => out.push_str(&html(title)),
            "caption" => out.push_str(&html(caption)),
            "version" => out.push_str(env!("CARGO_PKG_VERSION")),
            "style" => out.push_str(STYLE),
            "script" => MODULES.iter().for_each(|(_, module)| push_module(&mut out, module)),
            _ => data::push(&mut out, landscapes),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Appends a module as a part of one script, whose parts see one another: without imports and the word `export`.
fn push_module(out: &mut String, module: &str) {
    for line in module.split_inclusive('\n').filter(|line| !is_import(line)) {
        out.push_str(line.strip_prefix("export ").unwrap_or(line));
    }
}

/// Whether a line is an import; each has a line of its own.
fn is_import(line: &str) -> bool {
    line.starts_with("import ")
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn the_template_has_its_places_and_the_script_fits_its_element() {
        for place in ["title", "caption", "version", "style", "script", "data"] {
            assert!(TEMPLATE.contains(&format!("{{{{{place}}}}}")), "{place}");
        }
        let mut script = String::new();
        for (_, module) in MODULES {
            push_module(&mut script, module);
        }
        assert!(!script.contains("</script") && !script.contains("<!--") && !STYLE.contains("</"));
        for part in [TEMPLATE, STYLE, &script] {
            // Nothing is asked of a server.
            assert!(!part.contains("http:") && !part.contains("https:") && !part.contains("@import"));
        }
    }

    #[test]
    fn modules_become_one_script_of_which_each_part_uses_those_before_it() {
        for (k, (name, module)) in MODULES.iter().enumerate() {
            for import in module.lines().filter(|line| is_import(line)) {
                let (_, from) = import.split_once("} from \"./").expect("one form of imports, on one line");
                let from = from.strip_suffix("\";").expect("one form of imports, on one line");
                assert!(MODULES[..k].iter().any(|(before, _)| *before == from), "{name} imports from {from}");
            }
            let mut part = String::new();
            push_module(&mut part, module);
            assert!(
                part.lines().all(|line| !line.starts_with("import") && !line.starts_with("export")),
                "{name}"
            );
            // Comments, code and names are those of the file.
            let kept = module.lines().filter(|line| !is_import(line)).count();
            assert_eq!(part.lines().count(), kept, "{name}");
        }
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let nasty = "</title></script><script>alert(1)</script>{{data}}<!-- \" ' & \u{0} \u{2028}";
        let hostile = PageLandscape::new(nasty, &[0.0, 1.0], &[0.0, 1.0])
            .x_label(nasty)
            .y_label(nasty)
            .channel(nasty, Array2::zeros((2, 2)).view())
            .trajectory(nasty, &[0.0], &[0.0])
            .provenance([(nasty, nasty)]);
        let plain = PageLandscape::new("", &[0.0, 1.0], &[0.0, 1.0])
            .x_label("")
            .y_label("")
            .channel("", Array2::zeros((2, 2)).view())
            .trajectory("", &[0.0], &[0.0])
            .provenance([("", "")]);
        let hostile = write(nasty, nasty, &[hostile]);
        let plain = write("", "", &[plain]);
        // As many of each as without them, and one set of data: none came from a name.
        for markup in ["<", ">", "<script", "</script", "<!--", "\"landscapes\":"] {
            assert_eq!(hostile.matches(markup).count(), plain.matches(markup).count(), "{markup}");
        }
        assert!(hostile.contains("{{data}}"));
    }

    #[test]
    fn sizes_are_as_promised() {
        let page = |side: u32, channels: u32| {
            let axis: Vec<f64> = (0..side).map(f64::from).collect();
            let values = Array2::from_elem((axis.len(), axis.len()), 0.1);
            let mut landscape = PageLandscape::new("a", &axis, &axis);
            for channel in 0..channels {
                landscape = landscape.channel(channel.to_string(), values.view());
            }
            write("t", "", &[landscape])
        };
        assert!(page(2, 1).len() < 120_000);
        let page_251 = page(251, 4);
        assert!(page_251.len() < 10_000_000, "{}", page_251.len());
        let page_1001 = page(1001, 1);
        assert!(page_1001.len() < 30_000_000, "{}", page_1001.len());
        // One allocation held all of it.
        assert!(page_1001.capacity() < page_1001.len() + page_1001.len() / 10);
    }
}
