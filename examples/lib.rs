//! The examples of the workspace are in the files beside this one; this library only tests the code in README.md
//! and in the chapters of the guide.

/// One item for each page, so that a failing test names its page.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!($path)]
            struct $name;
        )*
    };
}

pages! {
    Readme: "../README.md",
    GuideReading: "../docs/guide/src/reading.md",
    GuideYourModel: "../docs/guide/src/your_model.md",
    GuideYourFramework: "../docs/guide/src/your_framework.md",
    GuidePython: "../docs/guide/src/python.md",
    GuidePytorch: "../docs/guide/src/pytorch.md",
    GuideFiles: "../docs/guide/src/files.md",
    GuideDirections: "../docs/guide/src/directions.md",
    GuideDraws: "../docs/guide/src/draws.md",
    GuideTrajectories: "../docs/guide/src/trajectories.md",
    GuidePaths: "../docs/guide/src/paths.md",
    GuideMatching: "../docs/guide/src/matching.md",
    GuideCurvature: "../docs/guide/src/curvature.md",
    GuideLongRuns: "../docs/guide/src/long_runs.md",
    GuideSampling: "../docs/guide/src/sampling.md",
    GuidePaper: "../docs/guide/src/paper.md",
    GuidePromises: "../docs/guide/src/promises.md",
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        fs,
        path::{Path, PathBuf},
    };

    /// The repository's pages, without what was built.
    fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "book", "node_modules"].contains(&name.as_str()) {
                    pages(&path, found);
                }
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }

    /// The text outside of fenced programs and of code in a line.
    fn prose(page: &str) -> String {
        let mut fenced = false;
        let mut prose = String::new();
        for line in page.lines() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                for (part, text) in line.split('`').enumerate() {
                    prose.push_str(if part % 2 == 0 { text } else { "code" });
                }
                prose.push('\n');
            }
        }
        prose
    }

    /// The anchors of a page's headings, as forges and mdBook make them, and those written out.
    fn anchors(page: &str) -> HashSet<String> {
        let mut found = HashSet::new();
        for line in page.lines() {
            if let Some((_, rest)) = line.split_once("<a id=\"") {
                found.extend(rest.split_once('"').map(|(id, _)| id.to_owned()));
            }
            let heading = line.trim_start_matches('#');
            if heading.len() < line.len() && heading.starts_with(' ') {
                let heading = heading.trim().to_lowercase();
                let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                found.insert(kept.collect::<String>().replace(' ', "-"));
            }
        }
        found
    }

    #[test]
    fn links_of_all_pages_lead_somewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut found = Vec::new();
        pages(root, &mut found);
        assert!(found.len() > 10, "{found:?}");
        let mut broken = Vec::new();
        for page in &found {
            let text = fs::read_to_string(page).unwrap();
            for link in prose(&text).split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
                let link = link.0;
                if link.contains("://") || link.starts_with("mailto:") {
                    continue;
                }
                let (path, anchor) = link.split_once('#').map_or((link, None), |(p, a)| (p, Some(a)));
                let target = if path.is_empty() { page.clone() } else { page.with_file_name(path) };
                let there = target.exists()
                    && anchor.is_none_or(|anchor| {
                        fs::read_to_string(&target).is_ok_and(|text| anchors(&text).contains(anchor))
                    });
                if !there {
                    broken.push(format!("{}: {link}", page.strip_prefix(root).unwrap().display()));
                }
            }
        }
        assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
    }

    #[test]
    fn every_chapter_of_the_guide_is_listed_and_tested() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let source = fs::read_to_string(root.join("examples/lib.rs")).unwrap();
        let summary = fs::read_to_string(root.join("docs/guide/src/SUMMARY.md")).unwrap();
        let mut found = Vec::new();
        pages(&root.join("docs/guide/src"), &mut found);
        for page in found {
            let name = page.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&page).unwrap();
            assert!(
                name == "SUMMARY.md" || summary.contains(&format!("({name})")),
                "{name} is not in SUMMARY.md"
            );
            let tested = source.contains(&format!("docs/guide/src/{name}\""));
            assert!(tested || !text.contains("```rust"), "the programs of {name} are not tested");
        }
    }
}
