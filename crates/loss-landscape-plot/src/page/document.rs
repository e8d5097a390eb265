//! The document: template, style, script and data put together.

use super::{data, encode::html, landscape::PageLandscape};

const TEMPLATE: &str = include_str!("../../viewer/template.html");
const STYLE: &str = include_str!("../../viewer/viewer.css");
/// One script of several files, each of which uses those before it.
const SCRIPT: &[&str] = &[
    include_str!("../../viewer/numbers.js"),
    include_str!("../../viewer/scale.js"),
    include_str!("../../viewer/field.js"),
    include_str!("../../viewer/camera.js"),
    include_str!("../../viewer/mesh.js"),
    include_str!("../../viewer/renderer.js"),
    include_str!("../../viewer/trajectory.js"),
    include_str!("../../viewer/contours.js"),
    include_str!("../../viewer/map.js"),
    include_str!("../../viewer/scene.js"),
    include_str!("../../viewer/panel.js"),
    include_str!("../../viewer/controls.js"),
    include_str!("../../viewer/main.js"),
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
            "script" => SCRIPT.iter().for_each(|part| out.push_str(part)),
            _ => data::push(&mut out, landscapes),
        }
        rest = after;
    }
    out.push_str(rest);
    out
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
        let script = SCRIPT.concat();
        assert!(!script.contains("</script") && !script.contains("<!--") && !STYLE.contains("</"));
        for part in [TEMPLATE, STYLE, &script] {
            // Nothing is asked of a server.
            assert!(!part.contains("http:") && !part.contains("https:") && !part.contains("@import"));
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
